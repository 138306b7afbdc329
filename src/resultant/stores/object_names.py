"""Keys ↔ names of objects, and the address of a store taken apart.

A key is any text. The clients of object stores refuse control characters, empty parts and parts of dots in a name, and
some servers take a backslash for a slash: those, and nothing else, are written as ``%XX`` in the name of the object. A
``%`` stays as it is, unless what follows would make it look like one of these.
"""

from __future__ import annotations

import re

__all__ = ["SCHEME", "decode", "encode", "split_url", "without_secrets"]

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")

_ESCAPED = r"(?:0[0-9A-F]|1[0-9A-F]|25|2E|2F|5C|7F)"
_NEEDS = re.compile(rf"[\x00-\x1f\x7f\\]|%(?={_ESCAPED})")
_HAS = re.compile(rf"%({_ESCAPED})")


def _escape(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02X}"


def _part(part: str) -> str:
    if not part:
        return "%2F"
    return part.replace(".", "%2E") if part in (".", "..") else part


def encode(key: str) -> str:
    """Return the name of the object that a key stands for; no two keys share one.

    Args:
        key: any text but the empty one.
    """
    name = _NEEDS.sub(_escape, key)
    if "//" in name or name[:1] in "/." or name[-1:] in "/." or "/." in name:
        name = "/".join([_part(part) for part in name.split("/")])
    return name


def decode(name: str) -> str:
    """Return the key that an object of this name belongs to."""
    if "%" not in name:
        return name
    parts = ["" if part == "%2F" else part for part in name.split("/")]
    return _HAS.sub(lambda found: chr(int(found[1], 16)), "/".join(parts))


def split_url(url: str) -> tuple[str, str, str]:
    """Return scheme, bucket and prefix of a store's address; the prefix without slashes around it.

    Args:
        url: as in ``s3://bucket/some/prefix``.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    return scheme.lower(), bucket, "/".join([part for part in prefix.split("/") if part])


def without_secrets(url: str) -> str:
    """Return an address without user, password and query, and without a slash at its end."""
    scheme, mark, rest = url.partition("://")
    rest = rest.split("?", 1)[0].split("#", 1)[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}".rstrip("/")
