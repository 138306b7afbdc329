"""The keys of caches: what must not be taken for each other, and what must be recognised, in every process.

A false hit is a wrong answer: there is none. A false miss costs a second run: each is listed, with the reason.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import key_corpus_things as things
from key_corpus_differ import CODE_DIFFERS, DIFFER
from key_corpus_match import ALSO_PICKLED, CODE_MATCHES, FALSE_MISSES, MATCH

from resultant.engine.digests import digest_value
from resultant.runner.code_tree import code_tree_digest

ARROW = pytest.mark.skipif(things.pa is None, reason="pyarrow is not installed")


def cases(pairs: dict[str, list[tuple[str, str]]]) -> list[Any]:
    return [
        pytest.param(*pair, id=f"{group}: {' | '.join(pair)}", marks=[ARROW] if group == "arrow" else [])
        for group, found in pairs.items()
        for pair in found
    ]


def value(source: str) -> Any:
    return eval(source, dict(vars(things)))


def sources() -> list[str]:
    """Every expression of the corpus that this installation knows the libraries of."""
    found = [each for pairs in (DIFFER, MATCH) for group in pairs.values() for pair in group for each in pair]
    found = [each for each in dict.fromkeys([*found, *ALSO_PICKLED]) if "now(" not in each]
    return [each for each in found if things.pa is not None or "pa." not in each]


def test_there_are_enough_pairs() -> None:
    differ = [pair for group in DIFFER.values() for pair in group]
    match = [pair for group in MATCH.values() for pair in group]
    assert len(differ) == len({frozenset(pair) for pair in differ}) >= 150
    assert len(match) == len(set(match)) >= 150
    assert len(CODE_DIFFERS) >= 20


@pytest.mark.parametrize(("one", "other"), cases(DIFFER))
def test_they_differ(one: str, other: str) -> None:
    first, second = digest_value(value(one)), digest_value(value(other))
    assert first is not None
    assert second is not None
    assert first != second


@pytest.mark.parametrize(("one", "other"), cases(MATCH))
def test_they_agree(one: str, other: str) -> None:
    first, second = digest_value(value(one)), digest_value(value(other))
    if (one, other) in FALSE_MISSES:
        assert first != second or first is None, "this is no false miss any more: take it off the list"
    else:
        assert first is not None
        assert first == second


def test_every_false_miss_is_listed() -> None:
    missed = {
        pair
        for group, pairs in MATCH.items()
        for pair in pairs
        if (group != "arrow" or things.pa is not None)
        and (digest_value(value(pair[0])) is None or digest_value(value(pair[0])) != digest_value(value(pair[1])))
    }
    known = {pair for pair in FALSE_MISSES if things.pa is not None or pair not in MATCH["arrow"]}
    assert missed == known
    assert len(FALSE_MISSES) <= 5


@pytest.mark.parametrize("source", [*sources(), "datetime.datetime.now(zoneinfo.ZoneInfo('Europe/Berlin'))"])
def test_a_round_trip_changes_nothing(source: str) -> None:
    before = value(source)
    try:
        after = pickle.loads(cloudpickle.dumps(before))
    except TypeError:
        pytest.skip("it cannot be pickled")
    if type(after) is not type(before):
        pytest.skip("what comes out of the pickle is something else")
    assert digest_value(after) == digest_value(before)


@pytest.mark.parametrize(("one", "other"), CODE_DIFFERS)
def test_code_differs(one: str, other: str) -> None:
    assert code_tree_digest(value(one)) != code_tree_digest(value(other))


@pytest.mark.parametrize(("one", "other"), CODE_MATCHES)
def test_code_agrees(one: str, other: str) -> None:
    assert code_tree_digest(value(one)) == code_tree_digest(value(other))


#: Takes digests in a process of its own: of the values as they are, and of all of them pickled and sent over.
ELSEWHERE = """
import json, pickle, sys
sys.path.insert(0, sys.argv[1])
import key_corpus_things as things
from resultant.engine.digests import digest_value
from resultant.runner.code_tree import code_tree_digest
given = pickle.load(sys.stdin.buffer)
here = dict(vars(things))
found = {"values": [digest_value(eval(source, here)) for source in given["values"]]}
found["code"] = [code_tree_digest(eval(source, here)) for source in given["code"]]
found["sent"] = [digest_value(pickle.loads(data)) for data in given["sent"]]
print(json.dumps(found))
"""


def elsewhere(seed: str, given: dict[str, Any]) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(Path(__file__).parent)],
        input=pickle.dumps(given),
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


def pickled() -> tuple[list[str], list[bytes]]:
    kept, data = [], []
    for source in sources():
        try:
            data.append(cloudpickle.dumps(value(source)))
        except TypeError:
            continue
        if type(pickle.loads(data[-1])) is not type(value(source)):
            data.pop()
            continue
        kept.append(source)
    return kept, data


@pytest.mark.parametrize("seed", ["0", "1", "2", "4294967295"])
def test_other_processes_come_to_the_same_keys(seed: str) -> None:
    sent, data = pickled()
    code = [each for pair in (*CODE_DIFFERS, *CODE_MATCHES) for each in pair]
    found = elsewhere(seed, {"values": sources(), "code": code, "sent": data})

    def wrong(names: list[str], theirs: list[Any], ours: list[Any]) -> list[str]:
        return [name for name, one, other in zip(names, theirs, ours, strict=True) if one != other]

    assert wrong(sources(), found["values"], [digest_value(value(each)) for each in sources()]) == []
    assert wrong(code, found["code"], [code_tree_digest(value(each)) for each in code]) == []
    assert wrong(sent, found["sent"], [digest_value(value(each)) for each in sent]) == []
