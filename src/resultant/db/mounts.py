"""Which file system a path is on."""

from __future__ import annotations

import os
import sys

__all__ = ["MOUNTS", "network_filesystem"]

#: The table of what is mounted, on Linux.
MOUNTS = "/proc/mounts"

# Their locks, or their shared memory, do not reach from one machine to another.
_NETWORK = {
    "afs",
    "afpfs",
    "beegfs",
    "ceph",
    "cifs",
    "davfs",
    "davfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs3",
    "nfs4",
    "smb2",
    "smb3",
    "smbfs",
    "webdav",
}
_NETWORK_FUSE = {"ceph-fuse", "gcsfuse", "glusterfs", "goofys", "mount-s3", "rclone", "s3fs", "sshfs"}


def network_filesystem(path: str, table: str = MOUNTS) -> str | None:
    """Return the kind of network file system that a path is on, or ``None`` for a local or an unknown one.

    Args:
        path: a file or folder, which need not exist yet.
        table: the file that lists what is mounted.
    """
    path = os.path.realpath(path)
    best, found = -1, ""
    for place, kind in _mounted(table):
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        # Of two file systems at one place, the later one hides the other.
        if inside and len(place) >= best:
            best, found = len(place), kind
    family, _, kind = found.partition(".")
    if found in _NETWORK or (family in ("fuse", "fuseblk") and (kind in _NETWORK_FUSE or kind in _NETWORK)):
        return found
    return None


def _mounted(table: str) -> list[tuple[str, str]]:
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.split(" ") for line in file]
    except OSError:
        return _mounted_on_macos() if sys.platform == "darwin" else []
    return [(_unescaped(fields[1]), fields[2]) for fields in lines if len(fields) > 2]


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _mounted_on_macos() -> list[tuple[str, str]]:
    import re
    import subprocess

    done = subprocess.run(["/sbin/mount"], capture_output=True, text=True, check=False)
    return re.findall(r"^.* on (/.*) \((\w+)[,)]", done.stdout, re.MULTILINE)
