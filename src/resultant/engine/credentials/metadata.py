"""Whether this is a machine of a cloud that hands credentials to its machines."""

from __future__ import annotations

__all__ = ["answers"]

#: Seconds to wait for an answer; on the cloud's own machines it takes milliseconds.
PATIENCE = 1.0

_known: dict[str, bool] = {}


def answers(host: str) -> bool:
    """Return whether somebody is there who could be asked for credentials. Nothing is asked.

    Args:
        host: an address, or a name; empty for nobody.
    """
    if not host:
        return False
    found = _known.get(host)
    if found is None:
        found = _known[host] = _connects(host)
    return found


def _connects(host: str) -> bool:
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(host if "://" in host else f"http://{host}")
    try:
        with socket.create_connection((parts.hostname or host, parts.port or 80), PATIENCE):
            return True
    except OSError:
        return False
