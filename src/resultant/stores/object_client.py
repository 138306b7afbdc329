"""Clients of object stores: one for each address and configuration in a process, and none in a forked child."""

from __future__ import annotations

import os

from resultant.errors import AccessError, ConfigurationError, ResultantError, StoreError

from .interruptible import forget
from .object_errors import bad_configuration
from .object_names import split_url, without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["SCHEMES", "Clients", "Policy"]

#: Schemes whose first part is a bucket or container, below which names are made here, and what their places begin with.
BUCKETS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "gcs": "gs",
    "az": "az",
    "azure": "az",
    "adl": "az",
    "abfs": "az",
    "abfss": "az",
}
#: Those that the client knows; all others are fsspec's.
SCHEMES = frozenset({*BUCKETS, "memory", "http", "https"})

_used = False
_lost = False
_memory: Any = None


def _after_fork() -> None:
    global _lost
    _lost = _lost or _used
    forget()


os.register_at_fork(after_in_child=_after_fork)


class Policy:
    """How often and how long a request is tried again.

    Args:
        given: obstore's ``retry_config``: ``max_retries``, ``retry_timeout`` and ``backoff``.
    """

    __slots__ = ("base", "first", "longest", "retries", "seconds")

    def __init__(self, given: Mapping[str, Any]) -> None:
        backoff = given.get("backoff") or {}
        self.retries = int(given.get("max_retries", 8))
        self.seconds = _seconds(given.get("retry_timeout", 90))
        self.first = _seconds(backoff.get("init_backoff", 0.1))
        self.longest = _seconds(backoff.get("max_backoff", 10))
        self.base = float(backoff.get("base", 2))

    def pause(self, retry: int) -> float:
        """Return the seconds to wait before a retry, from 1: anything up to twice as long as the one before."""
        from random import random

        return random() * min(self.longest, self.first * self.base ** (retry - 1))

    def config(self) -> dict[str, Any]:
        """Return it as obstore's ``retry_config``."""
        from datetime import timedelta

        backoff = {
            "init_backoff": timedelta(seconds=self.first),
            "max_backoff": timedelta(seconds=self.longest),
            "base": self.base,
        }
        return {"max_retries": self.retries, "retry_timeout": timedelta(seconds=self.seconds), "backoff": backoff}


def _seconds(value: Any) -> float:
    return float(value.total_seconds() if hasattr(value, "total_seconds") else value)


class Clients:
    """The clients of one store: one whose requests are tried once, and one that tries the parts of an upload again.

    Args:
        url: the store's address.
        options: obstore's configuration for it.
        provider: an obstore credential provider.
    """

    def __init__(self, url: str, options: Mapping[str, Any], provider: Callable[[], Any] | None) -> None:
        options = dict(options)
        self.url = url
        self.safe_url = without_secrets(url)
        self.policy = Policy(options.pop("retry_config", None) or {})
        self._client_options = {"timeout": "60s", **(options.pop("client_options", None) or {})}
        #: What every object is stored with.
        self.attributes: dict[str, str] | None = options.pop("attributes", None)
        self.tags: dict[str, str] | None = options.pop("tags", None)
        self._options = options
        self.provider = _Provider(provider) if provider is not None else None
        self.scheme, self.bucket, self.prefix = split_url(url)
        if self.scheme == "gcs":
            self.scheme = "gs"
        elif self.scheme == "memory":
            self.prefix = "/".join([part for part in (self.bucket, self.prefix) if part])
        self.rooted = self.scheme in BUCKETS or self.scheme == "memory"
        if not self.rooted:
            self.prefix = ""
        self._once: Any = None
        self._trying: Any = None

    def single(self) -> Any:
        """Return the client whose requests are tried once."""
        check_process()
        if self._once is None:
            self._once = self._make({"max_retries": 0, "retry_timeout": self.policy.config()["retry_timeout"]})
        return self._once

    def trying(self) -> Any:
        """Return the client that tries the parts of an upload again by itself."""
        check_process()
        if self._trying is None:
            self._trying = self.single() if self.scheme == "memory" else self._make(self.policy.config())
        return self._trying

    def root(self) -> str:
        """Return the place of the bucket: with a custom endpoint its address there, without credentials."""
        client = self.single()
        if self.scheme not in BUCKETS:
            return "memory://" if self.scheme == "memory" else self.safe_url
        config = client.config
        kind = BUCKETS[self.scheme]
        bucket = config.get("bucket") or config.get("container_name") or self.bucket
        endpoint = without_secrets(config.get("endpoint") or config.get("base_url") or "")
        host = endpoint.partition("://")[2].partition("/")[0]
        if kind == "az":
            known = not host or host.endswith((".blob.core.windows.net", ".dfs.core.windows.net"))
            return f"az://{config.get('account_name')}/{bucket}" if known else f"{endpoint}/{bucket}"
        if not host or host.endswith((".amazonaws.com", "storage.googleapis.com")):
            return f"{kind}://{bucket}"
        return endpoint if config.get("virtual_hosted_style_request") == "true" else f"{endpoint}/{bucket}"

    def _make(self, retry_config: dict[str, Any]) -> Any:
        global _memory, _used
        try:
            from obstore.store import MemoryStore, from_url
        except ImportError as error:
            raise ConfigurationError("Object stores need the package obstore: pip install 'obstore>=0.12'") from error
        _used = True
        if self.scheme == "memory":
            if self._options:
                raise ConfigurationError(
                    f"A store at memory:// takes no options, here {', '.join(sorted(self._options))}."
                )
            # One for the process: a place in memory is the same to everybody.
            _memory = _memory or MemoryStore()
            return _memory
        keywords: dict[str, Any] = {"client_options": self._client_options, "retry_config": retry_config}
        if self._options:
            keywords["config"] = self._options
        if self.provider is not None:
            keywords["credential_provider"] = self.provider
        url = f"{self.scheme}://{self.bucket}" if self.rooted else self.url
        try:
            return from_url(url, **keywords)
        except Exception as error:  # noqa: BLE001 - every failure is one of the configuration
            failure = error
        raise bad_configuration(failure, self.safe_url)


class _Provider:
    """A credential provider that remembers why it failed: obstore passes on the text alone."""

    def __init__(self, provider: Callable[[], Any]) -> None:
        self._provider = provider
        self.failure: Exception | None = None

    def __call__(self) -> Any:
        try:
            found = _in_utc(self._provider())
        except ResultantError as error:
            self.failure = error
            raise
        except Exception as error:
            # Its text is somebody else's, who may have put a key into it.
            name = getattr(self._provider, "__qualname__", type(self._provider).__qualname__)
            self.failure = AccessError(
                f"No credentials could be had: the function that gives them, {name}, failed with {type(error).__name__}. Call "
                "it by itself to see why."
            )
            raise
        self.failure = None
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)


def _in_utc(found: Any) -> Any:
    """Return credentials with their end in the time zone that the client knows.

    Raises:
        AccessError: the end has no time zone.
    """
    if not isinstance(found, dict):
        return found
    until = found.get("expires_at")
    if until is not None:
        from datetime import UTC

        if until.tzinfo is None:
            raise AccessError("Credentials were given that expire at a time without time zone: give `expires_at` one.")
        until = until.astimezone(UTC)
    return {**found, "expires_at": until}


def check_process() -> None:
    """Refuse to hang: the client's threads did not survive a fork.

    Raises:
        StoreError: this process was forked from one that used an object store.
    """
    if _lost:
        error = StoreError(
            "Object stores cannot be used in this process: it was forked from one that used an object store, and the "
            "client's threads do not survive that. Start it with the method 'spawn' or 'forkserver' "
            "(multiprocessing.get_context('spawn')), or as a program of its own; the process executor does so by itself."
        )
        error.final = True
        raise error
