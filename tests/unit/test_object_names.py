"""Keys ↔ names of objects, and addresses of stores."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resultant.errors import ConfigurationError, LocationError
from resultant.stores.object import ObjectStore, object_store
from resultant.stores.object_names import decode, encode, split_url, without_secrets

HOSTILE = st.text(st.sampled_from("ab/.%025FECD\\\n\x00\x7f é#?"), min_size=1, max_size=12)


@given(HOSTILE | st.text(min_size=1))
def test_a_name_gives_its_key_back_and_is_one_that_clients_take(key: str) -> None:
    name = encode(key)

    assert decode(name) == key
    assert not re.search(r"[\x00-\x1f\x7f\\]", name)
    assert not {"", ".", ".."} & set(name.split("/"))


@given(HOSTILE, HOSTILE)
def test_no_two_keys_have_one_name(one: str, other: str) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a/b.pickle", "a/b.pickle"),
        ("100% é #1 {x}+y?&=", "100% é #1 {x}+y?&="),
        ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"),
        (".hidden/..x/y..", ".hidden/..x/y.."),
        ("a%20b%2fc", "a%20b%2fc"),
        ("a%5Cb", "a%255Cb"),
        ("a\\b", "a%5Cb"),
        ("a\nb", "a%0Ab"),
        ("a//b", "a/%2F/b"),
        ("/a/", "%2F/a/%2F"),
        ("../a/.", "%2E%2E/a/%2E"),
    ],
)
def test_only_what_clients_refuse_or_servers_change_is_escaped(key: str, name: str) -> None:
    assert encode(key) == name


def test_an_address_is_taken_apart() -> None:
    assert split_url("s3://bucket") == ("s3", "bucket", "")
    assert split_url("S3://bucket//a/b/") == ("s3", "bucket", "a/b")
    assert without_secrets("https://user:word@host:1/a/?sig=x#y") == "https://host:1/a"


@pytest.mark.parametrize(
    ("url", "options", "place"),
    [
        ("s3://bucket/a/b", {}, "s3://bucket/a/b/key"),
        ("s3a://bucket", {"region": "eu-west-1"}, "s3://bucket/key"),
        ("s3://bucket", {"endpoint": "https://s3.eu-west-1.amazonaws.com"}, "s3://bucket/key"),
        ("s3://bucket/x", {"endpoint": "https://me:word@minio.example:9000/"}, "https://minio.example:9000/bucket/x/key"),
        (
            "s3://bucket",
            {"endpoint": "https://bucket.example", "virtual_hosted_style_request": "true"},
            "https://bucket.example/key",
        ),
        ("gs://bucket/x", {"skip_signature": "true"}, "gs://bucket/x/key"),
        ("gs://bucket", {"base_url": "http://127.0.0.1:1", "skip_signature": "true"}, "http://127.0.0.1:1/bucket/key"),
        ("az://container/x", {"account_name": "me"}, "az://me/container/x/key"),
        ("abfss://container@me.dfs.core.windows.net/x", {}, "az://me/container/x/key"),
        (
            "az://container",
            {"account_name": "me", "endpoint": "http://127.0.0.1:1/me"},
            "http://127.0.0.1:1/me/container/key",
        ),
        ("https://me.blob.core.windows.net/container/x?sv=1&sig=secret", {}, "https://me.blob.core.windows.net/container/x/key"),
        ("memory:///a", {}, "memory:///a/key"),
        ("memory://a/b", {}, "memory:///a/b/key"),
    ],
)  # fmt: skip
def test_a_place_says_to_everybody_where_it_is(url: str, options: dict[str, str], place: str) -> None:
    store = ObjectStore(url, options)

    assert store.place("key") == place
    assert store.place(place) == place
    assert "secret" not in repr(store)


def test_a_place_in_another_store_is_refused() -> None:
    store = object_store("memory:///here")

    for place in ("s3://bucket/key", "memory://"):
        with pytest.raises(LocationError, match="another store"):
            store.get(place)


def test_a_place_beside_the_prefix_is_in_the_same_store() -> None:
    here, there = object_store("memory:///one"), object_store("memory:///one/two")
    here.put("two/key", b"x")

    assert here.place("two/key") == there.place("key") == "memory:///one/two/key"
    assert there.get("key") == object_store("memory://elsewhere").get("memory:///one/two/key") == b"x"
    there_only = object_store("s3://bucket/one")
    assert there_only.place("s3://bucket/two/key") == "s3://bucket/two/key"


def test_equal_addresses_are_one_store() -> None:
    assert object_store("s3://bucket/a", {"region": "x"}) is object_store("s3://bucket/a", {"region": "x"})
    assert object_store("s3://bucket/a", {"region": "x"}) is not object_store("s3://bucket/a", {"region": "y"})


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("s5://bucket", {}, "s5://bucket"),
        ("s3://bucket", {"regoin": "canary"}, "regoin"),
        ("memory:///x", {"region": "canary"}, "region"),
        ("file:///x", {"region": "canary"}, "region"),
        ("smurf://x", {"region": "canary"}, "smurf://x"),
        ("az://container", {}, "MissingAccount"),
        ("az://container", {"account_name": "a", "account_key": "no base64: canary"}, "InvalidAccessKey"),
    ],
)
def test_options_that_make_no_client_are_an_error_without_their_values(
    url: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        object_store(url, options).place("key")

    assert said in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
