"""Folders, made and flushed."""

from __future__ import annotations

import os

__all__ = ["make_folder", "sync_folder"]


def make_folder(folder: str, sync: bool) -> None:
    """Make a folder, and those above it that are missing."""
    made = []
    if sync:
        place = folder.rstrip("/")
        while not os.path.lexists(place):
            made.append(place)
            place = os.path.dirname(place)
    os.makedirs(folder, exist_ok=True)
    for place in made:
        # A folder's name is an entry of the one above it.
        sync_folder(os.path.dirname(place) or "/")


def sync_folder(folder: str) -> None:
    """Flush the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
