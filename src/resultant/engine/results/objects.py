"""What results in object stores have in common: an address, options, and credentials that stay in memory."""

from __future__ import annotations

import re

from resultant.engine.credentials.options import check_url, divided, kind_of_url, merged, normal
from resultant.engine.credentials.secrets import Secrets
from resultant.engine.stored import StoredResult, place_in
from resultant.errors import AccessError, ConfigurationError, UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar

    from resultant.engine.credentials.access import Access
    from resultant.stores import FileStore
    from resultant.stores.fsspec import FsspecStore
    from resultant.stores.object import ObjectStore

__all__ = ["NoClientError", "ObjectResult"]


#: How Prefect 1 calls credentials of Amazon's kind.
_PREFECT = {"ACCESS_KEY": "access_key_id", "SECRET_ACCESS_KEY": "secret_access_key", "SESSION_TOKEN": "session_token"}


_NAME = re.compile(r"[A-Za-z0-9._\-]+")


class NoClientError(UnsupportedError, AttributeError):
    """The client object of a cloud's own library, which is not here."""


class ObjectResult(StoredResult):
    """Stores each result as one object of a store that is reached by an address.

    Args:
        options: configuration of the client, by the names that it has for it; credentials may be among them.
        credentials: a table of credentials, or a function without arguments that returns them and may be asked again.
        profile: of ``~/.aws``.
        store: the name of a store in the settings of each machine, instead of all that.
        **result_options: ``value``, ``location``, ``serializer``, ``keep`` and ``pack`` of
            :class:`~resultant.engine.stored.StoredResult`.

    Raises:
        ConfigurationError: there is no such option, or a name comes with what it stands for.

    Attributes:
        store_name: the name of the store, where it has one.
        options: of the client, without credentials.
        profile: as given.
    """

    #: What a result of Prefect 1 had, and what to do instead.
    _sdk: ClassVar[dict[str, str]] = {}

    options: Mapping[str, Any]
    _secrets: Secrets = Secrets()

    def __init__(
        self,
        url: str | None,
        options: Mapping[str, Any],
        credentials: Mapping[str, Any] | Callable[[], Any] | None = None,
        profile: str | None = None,
        store: str | None = None,
        **result_options: Any,
    ) -> None:
        who = type(self).__name__
        self.store_name = store
        self.profile = profile
        if store is not None:
            if url is not None or options or credentials is not None or profile is not None:
                raise ConfigurationError(
                    f"{who} takes a store's name, which stands for address and options, or these; here it has both: {store!r} "
                    f"and {'an address' if url is not None else 'options'}."
                )
            self.options = {}
        else:
            if url is None:
                raise ConfigurationError(
                    f"{who} needs to know where: {self._needs()}, or a name of the settings (`store=`)."
                )
            check_url(url)
            kind = kind_of_url(url)
            given = normal(kind, options, who)
            provider = None
            if credentials is not None:
                if callable(credentials):
                    provider = credentials
                else:
                    given = merged(given, self._credentials(kind, credentials))
            self.options, hidden = divided(kind, given)
            if hidden or provider is not None:
                self._secrets = Secrets({"options": hidden, "provider": provider})
        super().__init__(**result_options)

    def _needs(self) -> str:
        return "an address (`url`)"

    def _credentials(self, kind: str, table: Mapping[str, Any]) -> dict[str, Any]:
        """Return a table of credentials as options; Amazon's and Google's own forms are known."""
        if kind == "gs" and "private_key" in table:
            return {"service_account_key": dict(table)}
        if kind == "s3":
            table = {_PREFECT.get(name, name): value for name, value in table.items()}
        return normal(kind, table, f"The credentials of a {type(self).__name__}")

    def address(self) -> str:
        """Return the store's address, as it is on this machine.

        Raises:
            AccessError: the settings here do not know the store's name.
        """
        if self.store_name is None:
            return self._url()
        from resultant.engine.credentials.named import named_store

        return named_store(self.store_name).url

    def _url(self) -> str:
        raise NotImplementedError

    def access(self) -> Access:
        """Return what it takes to open the store on this machine.

        Raises:
            AccessError: what is configured here contradicts itself, or names something that is not there.
        """
        try:
            return self._access()
        except AccessError as error:
            failure = error
        # Without the frames that found out, whose variables hold credentials: there are tools that show those.
        raise failure.with_traceback(None)

    def _access(self) -> Access:
        from resultant.engine.credentials.resolving import resolve

        if self.store_name is not None:
            from resultant.engine.credentials.named import named_store

            named = named_store(self.store_name)
            return resolve(named.url, named.options, named.profile, named.provider)
        own = self._secrets.reveal()
        options = merged(self.options, own.get("options") or {})
        return resolve(self._url(), options, self.profile, own.get("provider"), self._secret())

    def _secret(self) -> str | None:
        return None

    @property
    def store(self) -> ObjectStore | FileStore | FsspecStore:
        """The store, opened with what this machine knows; equal ones are one object.

        Raises:
            AccessError: this machine does not know where it is, or has no credentials for it.
        """
        from resultant.stores.object import object_store

        access = self.access()
        # The client would look for a machine of the cloud that gives it some, for minutes.
        access.check()
        try:
            store = object_store(access.url, access.options, access.provider)
            # Makes the client, which looks at its options then.
            place_in(store, "any")
            return store
        except ConfigurationError as error:
            # It is an AttributeError as well, which a property must not raise: it would pass for a property that is missing.
            raise AccessError(str(error)) from None

    def check_access(self) -> None:
        """Raise an error if this machine cannot say where the store is, or has no credentials for it.

        The store itself is not asked. A machine without any is asked whether its cloud gives it some.

        Raises:
            AccessError: one of these.
        """
        _ = self.store

    def recorded_options(self) -> dict[str, Any]:
        """Return what a record keeps: where the store is, without credentials."""
        if self.store_name is not None:
            return {"store": self.store_name}
        options = dict(self.options)
        for name in ("attributes", "tags", "retry_config"):
            # Only of use for writing, or to this process.
            options.pop(name, None)
        for name, value in self._found_here().items():
            options.setdefault(name, value)
        options = _plain(options)
        found = self._where()
        if self.profile is not None:
            found["profile"] = self.profile
        if options:
            found["options"] = options
        return found

    def _where(self) -> dict[str, Any]:
        raise NotImplementedError

    def _found_here(self) -> dict[str, Any]:
        """Return what the environment adds that a reader elsewhere needs: the address, the region, the account."""
        try:
            options = self.access().options
        except AccessError:
            return {}
        names = ("endpoint", "region", "base_url", "account_name")
        return {name: options[name] for name in names if options.get(name)}

    def __getattr__(self, name: str) -> Any:
        if name in self._sdk:
            raise NoClientError(f"{type(self).__name__} has no {name!r}: {self._sdk[name]}.")
        return super().__getattr__(name)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickles written by Prefect 1 have other attributes, and credentials among them.
        if "options" in state:
            self.__dict__.update(state)
        else:
            self._from_prefect(state)

    def _from_prefect(self, state: dict[str, Any]) -> None:
        serializer = state.get("_serializer", state.get("serializer"))
        known = {"value": state.get("value"), "location": state.get("location"), "serializer": serializer}
        names = (
            "bucket",
            "boto3_kwargs",
            "upload_options",
            "container",
            "connection_string",
            "connection_string_secret",
        )
        self.__init__(**known, **{name: state[name] for name in names if name in state})  # type: ignore[misc]
        if callable(state.get("_formatter")):
            self._formatter = state["_formatter"]


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that JSON can carry; certificates and durations are of this machine."""
    found = {name: _plain(value) if isinstance(value, dict) else value for name, value in options.items()}
    return {name: value for name, value in found.items() if isinstance(value, (str, int, float, dict)) and value != {}}


def joined(scheme: str, name: str, prefix: str | None) -> str:
    """Return the address of a bucket, and of a folder in it.

    Args:
        scheme: such as ``s3``.
        name: the bucket's.
        prefix: the folder, or nothing.

    Raises:
        ConfigurationError: the bucket's name cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name of a bucket or container: give the name alone, without 's3://' or a path. A folder in it "
            "is the option `prefix`."
        )
    folder = (prefix or "").strip("/")
    return f"{scheme}://{name}/{folder}" if folder else f"{scheme}://{name}"
