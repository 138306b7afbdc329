"""The profiles in ``~/.aws/config`` and ``~/.aws/credentials``."""

from __future__ import annotations

import os

from resultant.errors import AccessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from configparser import RawConfigParser

    Sections = dict[str, dict[str, str]]

__all__ = ["AwsProfile", "files", "find_profile", "profile_names"]

#: What says that keys are to be fetched somewhere.
_FETCHED = ("role_arn", "web_identity_token_file", "sso_session", "sso_start_url", "sso_account_id", "login_session")

_parsed: dict[tuple[str, int, int], Sections] = {}


class AwsProfile:
    """What both files say of a profile.

    Args:
        name: the profile's.
        config: its section of the file ``config``.
        credentials: its section of the file ``credentials``.
        services: the section of the file ``config`` that it names for single services.
    """

    def __init__(
        self, name: str, config: dict[str, str], credentials: dict[str, str], services: dict[str, str]
    ) -> None:
        self.name = name
        self._config = config
        self._credentials = credentials
        self._services = services

    @property
    def keys(self) -> tuple[str, str, str | None] | None:
        """Key, secret and token, where they stand in the files."""
        if self._is_fetched():
            return None
        for section in (self._credentials, self._config):
            if "aws_access_key_id" in section or "aws_secret_access_key" in section:
                if section is self._config and "credential_process" in self._both():
                    return None
                return self._of(section)
        return None

    @property
    def needs_boto3(self) -> bool:
        """Whether its keys have to be fetched."""
        return self.keys is None and (self._is_fetched() or "credential_process" in self._both())

    @property
    def region(self) -> str | None:
        """The region."""
        return self._both().get("region")

    @property
    def endpoint(self) -> str | None:
        """The address of S3, where it is not Amazon's."""
        own = nested(self._services.get("s3", "")).get("endpoint_url")
        return own or nested(self._both().get("s3", "")).get("endpoint_url") or self._both().get("endpoint_url")

    @property
    def ca_bundle(self) -> str | None:
        """The file of certificates to trust."""
        return self._both().get("ca_bundle")

    @property
    def addressing_style(self) -> str | None:
        """``path`` or ``virtual``."""
        return nested(self._both().get("s3", "")).get("addressing_style")

    def _both(self) -> dict[str, str]:
        return {**self._config, **self._credentials}

    def _is_fetched(self) -> bool:
        return any(name in self._config or name in self._credentials for name in _FETCHED)

    def _of(self, section: dict[str, str]) -> tuple[str, str, str | None]:
        key, secret = section.get("aws_access_key_id"), section.get("aws_secret_access_key")
        if not key or not secret:
            lacking = "aws_secret_access_key" if key else "aws_access_key_id"
            raise AccessError(f"The AWS profile {self.name!r} lacks {lacking!r}; it is in {' and '.join(files())}.")
        return key, secret, section.get("aws_session_token") or section.get("aws_security_token")


def files() -> tuple[str, str]:
    """Return the paths of the files ``credentials`` and ``config``."""
    environ = os.environ
    return (
        os.path.expanduser(environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"),
        os.path.expanduser(environ.get("AWS_CONFIG_FILE") or "~/.aws/config"),
    )


def find_profile(name: str) -> AwsProfile | None:
    """Return a profile; ``None`` if neither file has it.

    Raises:
        AccessError: a file cannot be read or understood.
    """
    credentials, config = (_sections(path) for path in files())
    key = "default" if name == "default" and "default" in config else f"profile {name}"
    if key not in config and name not in credentials:
        return None
    found = config.get(key, {})
    services = config.get(f"services {found['services']}", {}) if "services" in found else {}
    return AwsProfile(name, found, credentials.get(name, {}), services)


def profile_names() -> list[str]:
    """Return the names of all profiles."""
    credentials, config = (_sections(path) for path in files())
    named = (key.removeprefix("profile ") for key in config if key == "default" or key.startswith("profile "))
    return sorted({*credentials, *named})


def nested(text: str) -> dict[str, str]:
    """Return the indented ``key = value`` lines below a key.

    Args:
        text: the lines.
    """
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _sections(path: str) -> Sections:
    try:
        stat = os.stat(path)
    except OSError:
        return {}
    known = path, stat.st_mtime_ns, stat.st_size
    found = _parsed.get(known)
    if found is None:
        found = _parsed[known] = _parse(path)
    return found


def _parse(path: str) -> Sections:
    from configparser import Error, RawConfigParser

    parser = RawConfigParser(default_section="\0", strict=False, interpolation=None)
    wrong = ""
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except OSError as error:
        wrong = f"cannot be read ({error.strerror})"
    except (Error, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None) or next((line for line, _ in getattr(error, "errors", [])), None)
        wrong = f"is no file of profiles{'' if line is None else f' (line {line})'}"
    if wrong:
        # Out here the parser's error is not the context of this one: it quotes the line, and a key may stand there.
        raise AccessError(f"{path} {wrong}. Correct it; `aws configure` writes such files.")
    return {_plain_name(name): _values(parser, name) for name in parser.sections()}


def _plain_name(section: str) -> str:
    kind, _, name = section.strip().partition(" ")
    return f"{kind} {name.strip().strip(chr(34)).strip(chr(39))}" if name else kind


def _values(parser: RawConfigParser, section: str) -> dict[str, str]:
    return {name: value.strip() if "\n" not in value else value for name, value in parser.items(section)}
