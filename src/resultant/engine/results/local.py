"""Results in files of a local folder."""

from __future__ import annotations

from resultant.engine.stored import StoredResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from resultant.stores import FileStore

__all__ = ["LocalResult"]


class LocalResult(StoredResult):
    """Stores each result as one file.

    Args:
        dir: the folder; default ``<home_dir>/results``. ``~`` is expanded and a relative folder made absolute, so that the
            result can be found again from another working directory. Nothing is created before the first write.
        validate_dir: check that the folder can become a writable one; ``False`` takes `dir` exactly as given.
        **options: ``value``, ``location``, ``serializer``, ``keep`` and ``pack`` of
            :class:`~resultant.engine.stored.StoredResult`. A relative location lies below `dir`; an absolute one written by
            the developer is honoured.

    Raises:
        ValueError: `dir` cannot become a writable folder, or `pack` comes with a location.
    """

    record_options = ("dir",)
    _is_place = True

    def __init__(self, dir: str | os.PathLike[str] | None = None, validate_dir: bool = True, **options: Any) -> None:
        from os import fspath
        from os.path import abspath, expanduser, join

        if dir is None:
            from resultant.runtime import settings

            dir = join(settings().home_dir, "results")
        self.dir = fspath(dir)
        if validate_dir:
            self.dir = abspath(expanduser(self.dir))
            _check_writable(self.dir)
        super().__init__(**options)

    @property
    def store(self) -> FileStore:
        """The folder as a store."""
        from resultant.stores.file import file_store

        root = self.dir
        if root[:1] != "/":
            from os.path import abspath

            root = abspath(root)
        return file_store(root, _synchronous())


def _synchronous() -> bool:
    from resultant.runtime import settings

    return settings().durability == "power"


def _check_writable(path: str) -> None:
    import os

    place = path
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise ValueError(
            f"{path!r} cannot become a folder for results: {place!r} is not a folder. Choose another `dir=`."
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise ValueError(
            f"{path!r} cannot become a folder for results: {place!r} may not be written to. Change its permissions or choose "
            "another `dir=`."
        )
