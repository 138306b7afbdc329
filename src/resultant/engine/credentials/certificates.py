"""Certificates in files that the user trusts."""

from __future__ import annotations

import os

from resultant.errors import AccessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["with_certificates"]

_known: dict[tuple[str, int], Certificates] = {}


class Certificates(bytes):
    """The bytes of a file of certificates, which are a quarter of a megabyte and say little."""

    path: str

    def __repr__(self) -> str:
        return f"<certificates in {self.path}>"


def with_certificates(client: dict[str, Any]) -> dict[str, Any]:
    """Return options for a client with the certificates of a file in the place of its path.

    Args:
        client: the options.

    Raises:
        AccessError: the file cannot be read.
    """
    path = client.get("root_certificate")
    if not isinstance(path, str) or "-----BEGIN" in path:
        return client
    return {**client, "root_certificate": _read(os.path.expanduser(path))}


def _read(path: str) -> Certificates:
    try:
        known = path, os.stat(path).st_mtime_ns
        found = _known.get(known)
        if found is None:
            with open(path, "rb") as file:
                found = _known[known] = Certificates(file.read())
            found.path = path
    except OSError as error:
        raise AccessError(
            f"The certificates in {path!r} cannot be read ({error.strerror}): correct `verify`, AWS_CA_BUNDLE or ca_bundle."
        ) from error
    return found
