"""What the client library asks for credentials: small callables that compare equal where they mean the same."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock

from resultant.errors import AccessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import Any

__all__ = ["Keys", "Profile", "imported"]


_fetching = Lock()


class Keys:
    """Keys of Amazon's kind that do not change.

    Args:
        access_key_id: names the key.
        secret_access_key: the key.
        token: of keys that are valid for a while.
    """

    __slots__ = ("_all",)

    def __init__(self, access_key_id: str, secret_access_key: str, token: str | None = None) -> None:
        self._all = str(access_key_id), str(secret_access_key), None if token is None else str(token)

    def __call__(self) -> dict[str, Any]:
        """Return the keys as the client library takes them."""
        key, secret, token = self._all
        return {"access_key_id": key, "secret_access_key": secret, "token": token, "expires_at": None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and self._all == other._all

    def __hash__(self) -> int:
        return hash(self._all)

    def __repr__(self) -> str:
        return "<Keys>"

    def __reduce__(self) -> Any:
        raise TypeError("Credentials are not pickled.")


class Profile:
    """A profile of ``~/.aws`` whose keys boto3 has to fetch: single sign-on, roles, a program that is asked.

    Args:
        name: the profile's.
        files: where profiles are read from; two providers are the same only if these are.
    """

    __slots__ = ("_credentials", "files", "name")

    def __init__(self, name: str, files: tuple[str, ...]) -> None:
        self.name = name
        self.files = files
        self._credentials: Any = None

    def __call__(self) -> dict[str, Any]:
        """Return keys that are valid now, and until when."""
        from datetime import UTC, datetime, timedelta

        with _quietly():
            if self._credentials is None:
                self._credentials = self._fetched()
            frozen = self._credentials.get_frozen_credentials()
        until: datetime | None = getattr(self._credentials, "_expiry_time", None)
        return {
            "access_key_id": frozen.access_key,
            "secret_access_key": frozen.secret_key,
            "token": frozen.token,
            # The client knows the standard library's time zones alone.
            "expires_at": until.astimezone(UTC) if until else datetime.now(UTC) + timedelta(minutes=30),
        }

    def _fetched(self) -> Any:
        session = _boto3(self.name).Session(profile_name=self.name)
        found = session.get_credentials()
        if found is None:
            raise AccessError(f"The AWS profile {self.name!r} gives no credentials; see `aws configure`.")
        return found

    def check(self) -> None:
        """Raise an error if this machine lacks what fetching keys needs; nothing is fetched.

        Raises:
            AccessError: boto3 is not installed.
        """
        _boto3(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and (self.name, self.files) == (other.name, other.files)

    def __hash__(self) -> int:
        return hash((self.name, self.files))

    def __repr__(self) -> str:
        return f"<Profile {self.name!r}>"


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep boto3 from logging, at DEBUG, the answers that have credentials in them."""
    import logging

    with _fetching:
        logger = logging.getLogger("botocore")
        level = logger.level
        logger.setLevel(max(level, logging.INFO))
        try:
            yield
        finally:
            logger.setLevel(level)


def _boto3(profile: str) -> Any:
    try:
        import boto3
    except ImportError:
        boto3 = None
    if boto3 is None:
        raise AccessError(
            f"The AWS profile {profile!r} has no keys of its own: it gets them by single sign-on, from a role or from a "
            "program, which takes boto3. Install it: pip install 'resultant[aws]'"
        )
    return boto3


def imported(text: str, where: str) -> Callable[[], Any]:
    """Return the provider that a setting names.

    Args:
        text: ``module:function``.
        where: the setting.

    Raises:
        AccessError: there is none.
    """
    from importlib import import_module

    module, _, name = text.partition(":")
    try:
        found: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise AccessError(
            f"The setting {where!r} is {text!r}, which cannot be imported ({error}). Write it as 'module:function'; the "
            "function takes nothing and returns credentials."
        ) from error
    if not callable(found):
        raise AccessError(f"The setting {where!r} is {text!r}, which is no function.")
    provider: Callable[[], Any] = found
    return provider
