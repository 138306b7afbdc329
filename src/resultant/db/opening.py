"""From an address to a database."""

from __future__ import annotations

import os

from resultant.errors import DatabaseDeniedError, DatabasePlaceError

from .mounts import MOUNTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import StateDB

__all__ = ["open_db"]


def open_db(
    url: str | None,
    home: str,
    *,
    durability: str = "process",
    mounts: str = MOUNTS,
    reading: bool = False,
    make: bool = True,
) -> StateDB:
    """Open a state database, made or brought to the latest version if need be.

    Args:
        url: ``None`` for the file ``resultant.db`` in the home; ``sqlite:///PATH``, with a fourth slash where the path is absolute;
            ``postgresql://…``; ``memory://``.
        home: the folder of the embedded database.
        durability: ``"process"``, or ``"power"`` for a file that survives the loss of power too; a server always does.
        mounts: the table of mounted file systems.
        reading: whether a file that may not be written is good enough.
        make: whether a file that is not there is made; else an empty database in memory stands for it.

    Raises:
        DatabaseError: it cannot be opened; the class says why, the message what to do.
    """
    if not url:
        url = "sqlite:///" + os.path.join(home, "resultant.db")
    kind, separator, rest = url.partition("://")
    if separator and kind == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from .sqlite import SqliteDB

        path = os.path.expanduser(rest[1:])
        if not make and not os.path.exists(path):
            from .memory import MemoryDB

            return MemoryDB()
        try:
            return SqliteDB(path, power=durability == "power", mounts=mounts)
        except DatabaseDeniedError as error:
            if not reading or not os.path.isfile(path):
                raise
            from .sqlite_readonly import ReadOnlySqlite

            return ReadOnlySqlite(path, error)
    if separator and kind == "memory":
        from .memory import MemoryDB

        return MemoryDB()
    if separator and kind in ("postgresql", "postgres"):
        from .postgres import PostgresDB

        return PostgresDB(url)
    from .postgres_link import without_password

    raise DatabasePlaceError(
        f"{without_password(url)!r} is no address of a state database. RESULTANT__DATABASE__URL can be sqlite:///PATH, "
        "postgresql://USER@HOST/NAME or memory://; without it, the database is resultant.db in RESULTANT__HOME_DIR."
    )
