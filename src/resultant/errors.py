"""Every error that `resultant` raises on purpose, in one tree.

Each one is also the builtin that a user would catch, so ``except FileNotFoundError`` works without knowing this module.

::

    ResultantError
    ├── ConfigurationError (ValueError, AttributeError)   an unknown setting, or a value of the wrong type
    ├── LocationError (KeyError, ValueError)              a template that is malformed, lacks a key, or leaves its root
    │   └── LocationCollisionError                        two different values would be written to one place
    ├── SerializationError (TypeError)                    a value that cannot become bytes
    │   └── UnpicklableError                              … with the path of the culprit inside the value
    ├── ResultError
    │   ├── ResultNotImplementedError (NotImplementedError)  this class of result cannot read, write or look
    │   ├── ReadError
    │   │   ├── MissingResultError (FileNotFoundError)    nothing is stored there
    │   │   ├── CorruptResultError (ValueError)           empty, truncated, or not what its record says
    │   │   ├── SupersededResultError (LookupError)       a newer run wrote its own value to the same place
    │   │   └── UnreadableResultError (ValueError)        whole, but this process cannot decode it
    │   ├── AccessError (ValueError)                      this machine lacks a store's address, or credentials for it
    │   ├── WriteError                                    the code succeeded, its value could not be stored
    │   └── StoreError (OSError)
    │       ├── DeniedError (PermissionError)             the store refuses
    │       ├── UnreachableError (ConnectionError)        the store does not answer
    │       ├── ThrottledError                            it answers that too much was asked of it, again and again
    │       ├── StorageFullError                          no space, or over quota
    │       ├── NoSuchBucketError (LookupError)           the bucket or container does not exist
    │       ├── PlaceTakenError (FileExistsError)         something is there that must not be replaced
    │       └── TooLargeError                             more bytes than the store takes at once
    ├── DatabaseError                                     the state database cannot do what was asked of it
    │   ├── DatabaseCorruptError (ValueError)             damaged, or not a database of this library
    │   ├── DatabaseVersionError                          a newer release wrote it
    │   ├── DatabasePlaceError (ValueError)               a place, or an address, where no database can be
    │   ├── DatabaseDeniedError (PermissionError)         it may not be read, or not be written
    │   ├── DatabaseFullError (OSError)                   no space left for it
    │   ├── DatabaseUnreachableError (ConnectionError)    no answer, or locked by somebody for too long
    │   ├── UnknownRunError (LookupError)                 no such run, or several that could be meant
    │   └── RunHeldError                                  another process is at work on that run
    ├── ExecutorError (RuntimeError)
    │   └── WorkerDiedError                               the process that ran a task is gone
    └── UnsupportedError (NotImplementedError)            something that this library leaves to others

Signals (:mod:`resultant.engine.signals`) are no errors: they derive from ``BaseException`` and choose a state.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "AccessError",
    "ConfigurationError",
    "CorruptResultError",
    "DatabaseCorruptError",
    "DatabaseDeniedError",
    "DatabaseError",
    "DatabaseFullError",
    "DatabasePlaceError",
    "DatabaseUnreachableError",
    "DatabaseVersionError",
    "DeniedError",
    "ExecutorError",
    "LocationCollisionError",
    "LocationError",
    "MissingResultError",
    "NoSuchBucketError",
    "PlaceTakenError",
    "ReadError",
    "ResultError",
    "ResultNotImplementedError",
    "ResultantError",
    "RunHeldError",
    "SerializationError",
    "StorageFullError",
    "StoreError",
    "SupersededResultError",
    "ThrottledError",
    "TooLargeError",
    "UnknownRunError",
    "UnpicklableError",
    "UnreachableError",
    "UnreadableResultError",
    "UnsupportedError",
    "WorkerDiedError",
    "WriteError",
    "safe_repr",
]


class ResultantError(Exception):
    """Root of the tree."""


class ConfigurationError(ResultantError, ValueError, AttributeError):
    """A setting that does not exist, or a value that a setting cannot take."""


class LocationError(ResultantError, KeyError, ValueError):
    """A location that cannot be made from its template."""

    # KeyError shows the repr of its argument, which would put the whole message in quotes.
    __str__ = Exception.__str__


class LocationCollisionError(LocationError):
    """Two different values would be written to one location."""


class SerializationError(ResultantError, TypeError):
    """A value that its serializer cannot turn into bytes."""


class UnpicklableError(SerializationError):
    """A value, or something inside it, that cannot be pickled."""


class ResultError(ResultantError):
    """Something about one result."""


class ResultNotImplementedError(ResultError, NotImplementedError):
    """This class of result does not know how to do that."""


class ReadError(ResultError):
    """A stored result that does not give its value."""


class MissingResultError(ReadError, FileNotFoundError):
    """Nothing is stored at the location."""


class CorruptResultError(ReadError, ValueError):
    """What is stored is damaged: empty, truncated, or other bytes than were written."""


class SupersededResultError(ReadError, LookupError):
    """A newer run wrote a value of its own to the place of this one.

    Attributes:
        run: the id of the newer run.
    """

    run: str | None = None


class UnreadableResultError(ReadError, ValueError):
    """What is stored is whole, but this process cannot decode it."""


class WriteError(ResultError):
    """The task's code succeeded, but its value could not be stored.

    Attributes:
        value: the value that was not stored, in the process that computed it; ``None`` after pickling.
        location: where it should have gone, as far as that was known.
    """

    value: Any = None
    location: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # What could not be stored is the last thing to drag along through a pipe.
        return type(self), self.args, {"location": self.location}


class AccessError(ResultError, ValueError):
    """This machine does not know where a store is, or has no credentials for it."""


class StoreError(ResultError, OSError):
    """A store that failed for a reason of its own.

    Attributes:
        final: whether the store has tried as often as makes sense, so that nobody needs to try again.
    """

    final: bool = False


class DeniedError(StoreError, PermissionError):
    """The store refuses what was asked."""


class UnreachableError(StoreError, ConnectionError):
    """The store does not answer."""


class ThrottledError(StoreError):
    """The store keeps answering that too much is asked of it."""


class StorageFullError(StoreError):
    """The store has no room left."""


class NoSuchBucketError(StoreError, LookupError):
    """The bucket or container does not exist."""


class PlaceTakenError(StoreError, FileExistsError):
    """Something is stored there, and was not to be replaced."""


class TooLargeError(StoreError):
    """More bytes than the store takes in one piece."""


class DatabaseError(ResultantError):
    """The state database cannot do what was asked of it."""


class DatabaseCorruptError(DatabaseError, ValueError):
    """The database is damaged, or it is none of this library's."""


class DatabaseVersionError(DatabaseError):
    """A newer release wrote the database, in a way that this one does not know."""


class DatabasePlaceError(DatabaseError, ValueError):
    """A place or an address where no database can be."""


class DatabaseDeniedError(DatabaseError, PermissionError):
    """The database may not be read, or not be written."""


class DatabaseFullError(DatabaseError, OSError):
    """There is no space left for the database."""


class DatabaseUnreachableError(DatabaseError, ConnectionError):
    """The database does not answer, or somebody has locked it for too long."""


class UnknownRunError(DatabaseError, LookupError):
    """No run is called that, or several could be meant."""


class RunHeldError(DatabaseError):
    """Another process is at work on the run.

    Attributes:
        pid: of that process, as far as it is known.
        host: where it is.
    """

    pid: int | None = None
    host: str | None = None


class ExecutorError(ResultantError, RuntimeError):
    """Code could not be run where it was sent."""


class WorkerDiedError(ExecutorError):
    """The process that ran a task ended without an answer."""


class UnsupportedError(ResultantError, NotImplementedError):
    """Something that this library does not do; the message names the alternative."""


def safe_repr(value: object) -> str:
    """Return the repr of somebody else's value or exception, or its class where even that fails."""
    try:
        return repr(value)
    except Exception as failure:  # noqa: BLE001 - a repr is the value's own code
        return f"<{type(value).__name__}; its repr failed with {type(failure).__name__}>"
