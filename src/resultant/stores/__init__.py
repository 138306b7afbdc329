"""Bytes at a name: the smallest interface that a place for results has to offer.

A store knows keys and bytes, nothing of values, serializers, templates or rows.
"""

from __future__ import annotations

from .base import Sink, Source, Stat, Store
from .file import FileStore, file_store
from .memory import MemoryStore

__all__ = ["FileStore", "MemoryStore", "Sink", "Source", "Stat", "Store", "file_store"]
