"""Secrets as tasks (SPEC 1, 2.6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from resultant.core.flow import Flow
from resultant.core.function_task import task
from resultant.engine.results import LocalResult, SecretResult
from resultant.runtime import context
from resultant.settings import set_temporary_config
from resultant.tasks.secrets import ContextSecret, EnvVarSecret, PrefectSecret


@task
def length(x):
    return len(x)


class TestContextSecret:
    def test_it_reads_the_context(self) -> None:
        with context(secrets={"key": "open sesame"}):
            assert ContextSecret("key").run() == "open sesame"
            assert ContextSecret().run(name="key") == "open sesame"

    @pytest.mark.parametrize(("text", "value"), [('{"a": 1}', {"a": 1}), ("12", 12), ("plain", "plain")])
    def test_json_is_parsed(self, text: str, value: object) -> None:
        with context(secrets={"key": text}):
            assert ContextSecret("key").run() == value

    def test_missing(self) -> None:
        with context(secrets={}), pytest.raises(ValueError, match='Local Secret "key" was not found'):
            ContextSecret("key").run()
        with pytest.raises(ValueError, match="A secret name must be provided"):
            ContextSecret().run()

    def test_options(self) -> None:
        made = ContextSecret("key")
        assert (made.name, made.checkpoint, made.rerun_always) == ("key", False, True)
        assert isinstance(made.result, SecretResult)
        assert made.result.location == "key"
        copied = made.copy()
        assert copied.result.secret_task is copied

    def test_the_old_name(self) -> None:
        assert PrefectSecret is ContextSecret

    def test_it_is_never_written(self, tmp_path: Path) -> None:
        with Flow("f", result=LocalResult(dir=str(tmp_path))) as flow:
            secret = ContextSecret("key")
            called = length(secret)
        with set_temporary_config({"flows.checkpointing": True}), context(secrets={"key": "open sesame"}):
            state = flow.run()
        assert state.result[called].result == 11
        written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert len(written) == 1
        assert b"sesame" not in written[0]


class TestEnvVarSecret:
    def test_it_reads_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOME_KEY", "7")
        assert EnvVarSecret("SOME_KEY").run() == "7"
        assert EnvVarSecret("SOME_KEY", cast=int).run() == 7
        assert EnvVarSecret().run(name="SOME_KEY") == "7"

    def test_missing(self) -> None:
        assert EnvVarSecret("SOME_MISSING_KEY").run() is None
        with pytest.raises(ValueError, match="Environment variable not set: SOME_MISSING_KEY"):
            EnvVarSecret("SOME_MISSING_KEY", raise_if_missing=True).run()
        with pytest.raises(ValueError, match="A secret name must be provided"):
            EnvVarSecret().run()
