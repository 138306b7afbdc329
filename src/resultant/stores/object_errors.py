"""Errors of an object store's client → errors of this library: typed, with a cure, and without a credential.

The client's own texts hold whole addresses, signatures in them included, and what a server cared to answer. Nothing of
that is passed on but the status, the server's code for the error, and the kind of failure.
"""

from __future__ import annotations

import errno
import re

from resultant.errors import (
    ConfigurationError,
    DeniedError,
    MissingResultError,
    NoSuchBucketError,
    StorageFullError,
    StoreError,
    SupersededResultError,
    ThrottledError,
    TooLargeError,
    UnreachableError,
)

from .system import taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resultant.errors import ResultantError

__all__ = ["Failure", "bad_configuration", "permission"]

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
#: One of several objects that were to be deleted in one request: the answer is about each.
_ITEM = re.compile(r'DeleteFailed \{.*?code: "(\w{1,64})"', re.DOTALL)
_KIND = re.compile(r"kind: (Connect|Timeout|Request|Decode|Interrupted|Body)\b")
_TRIES = re.compile(r"after (\d+) retries, max_retries: (\d+)")
_UPLOAD = re.compile(r"uploadId=|comp=block|PutResponseBody")
_BEGIN = re.compile(r"create multipart|POST \S+\?uploads")
_METADATA = re.compile(r"169\.254\.\d+\.\d+|metadata\.google\.internal|/identity/oauth2/token|/oauth2/v\d+\.\d+/token")

_THROTTLED = {"SlowDown", "TooManyRequests", "RequestLimitExceeded", "ServerBusy", "Throttling", "ThrottlingException"}
#: Answers that mean "not now": the connection broke on the way, or two requests met.
_NOT_NOW = {
    "BadDigest", "ConditionalRequestConflict", "IncompleteBody", "InternalError", "OperationAborted", "OperationTimedOut",
    "RequestTimeout", "ServiceUnavailable",
}  # fmt: skip
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"}
_TOO_LARGE = {"EntityTooLarge", "MaxMessageLengthExceeded", "RequestBodyTooLarge", "MetadataTooLarge"}
_FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "AccountQuotaExceeded"}
_DENIED = {
    "AccessDenied", "AuthenticationFailed", "AuthorizationFailure", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken",
    "SignatureDoesNotMatch", "TokenRefreshRequired",
}  # fmt: skip
_ELSEWHERE = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
_VANISHED = {"NoSuchUpload", "InvalidBlockList", "InvalidPart"}
_REPLACED = {"PreconditionFailed", "ConditionNotMet"}

_KINDS = {
    "Connect": "no connection could be made",
    "Timeout": "there was no answer in time",
    "Request": "the connection broke",
    "Decode": "the answer broke off",
    "Interrupted": "the connection broke",
    "Body": "the answer broke off",
}

_S3 = {
    "write": "s3:PutObject and s3:AbortMultipartUpload",
    "create": "s3:PutObject",
    "delete": "s3:DeleteObject",
    "list": "s3:ListBucket (on the bucket itself)",
    "set aside": "s3:GetObject, s3:PutObject and s3:DeleteObject",
}
_GOOGLE = {
    "write": "storage.objects.create and storage.objects.delete",
    "create": "storage.objects.create",
    "delete": "storage.objects.delete",
    "list": "storage.objects.list",
    "set aside": "storage.objects.get, storage.objects.create and storage.objects.delete",
}
_READ = "the role 'Storage Blob Data Reader', or a signature that permits to read"
_AZURE = {
    "read": _READ,
    "look at": _READ,
    "list": "the role 'Storage Blob Data Reader' on the container, or a signature that permits to list",
}


class Failure:
    """What one request came to, as far as it may be told.

    Args:
        error: what the client raised.

    Attributes:
        kind: the name of the client's exception.
        status: the HTTP status, ``0`` where there was none.
        code: the server's code for the error, empty where it sent none.
        reason: both, in words.
        elsewhere: whether the bucket is in another region.
        plain: whether the address is one without encryption, which was not allowed.
        passing: whether the same request may succeed a little later.
        unbegun: whether an upload of parts was lost before its first part.
        lost_upload: whether one was lost later, or its end is unknown.
        untried: whether the client, which tries the parts of an upload again, did not do so to the end.
    """

    def __init__(self, error: Exception) -> None:
        text = str(error)
        self.kind = type(error).__name__
        self.plain = "builder error" in text
        status, code, broken = _STATUS.search(text), _CODE.search(text), _KIND.search(text)
        self.status = int(status[1]) if status else 0
        self.code = code[1] if code else ""
        if item := _ITEM.search(text):
            if item[1].isdigit():
                self.status = int(item[1])
            else:
                self.code = item[1]
        if "specified container does not exist" in text:
            self.code = "ContainerNotFound"
        self.broken = "" if self.status or self.plain else broken[1] if broken else ""
        if not self.broken and not self.status and "request or response body error" in text:
            self.broken = "Body"
        self._past_the_end = "StartTooLarge" in text
        self.elsewhere = self.code in _ELSEWHERE or self.status == 301 or "incorrectly configured region" in text
        self.unconfigured = _METADATA.search(text) is not None
        self.passing = not self.unconfigured and (
            bool(self.broken)
            or self.status in (408, 429)
            or (self.status >= 500 and self.status not in (501, 507) and self.code not in _FULL)
            or self.code in _THROTTLED
            or self.code in _NOT_NOW
        )
        self.unbegun = self.passing and _BEGIN.search(text) is not None
        tries = _TRIES.search(text)
        vanished = self.code in _VANISHED or (self.status == 404 and not self.no_bucket)
        self.lost_upload = not self.unbegun and _UPLOAD.search(text) is not None and (self.passing or vanished)
        self.untried = (self.passing or self.lost_upload) and (tries is None or int(tries[1]) < int(tries[2]))
        if self.status:
            self.reason = f"HTTP {self.status}{' ' if self.code else ''}{self.code}"
        else:
            self.reason = _KINDS.get(self.broken, self.kind)

    @property
    def missing(self) -> bool:
        """Whether there is no such object, or no such bucket."""
        return self.kind == "FileNotFoundError" or self.status == 404

    @property
    def no_bucket(self) -> bool:
        """Whether it is the bucket that does not exist."""
        return self.code in _NO_BUCKET

    @property
    def taken(self) -> bool:
        """Whether a conditional write found something there."""
        return self.kind == "AlreadyExistsError"

    @property
    def replaced(self) -> bool:
        """Whether a conditional read found another object than before."""
        return self.kind == "PreconditionError" or self.code in _REPLACED

    @property
    def past_the_end(self) -> bool:
        """Whether a range began behind the last byte."""
        return self.status == 416 or self._past_the_end

    @property
    def denied(self) -> bool:
        """Whether the store refuses."""
        return (
            self.status in (401, 403)
            or self.code in _DENIED
            or self.kind in ("PermissionDeniedError", "UnauthenticatedError")
        )

    def error(self, action: str, place: str, bucket: str, permission: str) -> ResultantError:
        """Return the error of this library for it.

        Args:
            action: what was tried, as a verb.
            place: the object it was about, by its full name.
            bucket: the place of the store's root.
            permission: what that takes, in the provider's words.
        """
        # The order matters: a missing bucket is a 404 too, and a broken configuration looks like an unreachable host.
        if self.unconfigured:
            text = (
                f"Cannot {action} this result: no credentials for {bucket} were found, neither in the options, nor in the "
                f"environment, nor from the machine's own metadata service ({self.reason}); pass or configure some"
            )
            return _final(DeniedError(errno.EACCES, text, place))
        if self.no_bucket:
            text = f"Cannot {action} this result: there is no such bucket or container; create it, or correct its name"
            return _final(NoSuchBucketError(errno.ENOENT, text, place))
        if self.lost_upload:
            text = f"Cannot {action} this result: an upload was lost half-way ({self.reason}); write it again"
            error = UnreachableError(errno.EHOSTUNREACH, text, place)
            error.final = not self.untried
            return error
        if self.missing:
            if action in ("write", "create"):
                text = f"Cannot {action} this result: the store knows no such bucket or upload ({self.reason})"
                return _final(NoSuchBucketError(errno.ENOENT, text, place))
            return MissingResultError(errno.ENOENT, f"Nothing is stored there, so it cannot {action} it", place)
        if self.taken:
            return _final(taken(place))
        if self.replaced:
            return SupersededResultError(
                f"The result at {place!r} was replaced by another one while it was read; read it again."
            )
        return _final(self._store_error(action, place, permission))

    def _store_error(self, action: str, place: str, permission: str) -> StoreError:
        what = f"Cannot {action} this result"
        if self.elsewhere:
            text = f"{what}: the bucket is in another region ({self.reason}); say which with `region`"
            return StoreError(errno.EINVAL, text, place)
        if self.plain:
            text = f"{what}: its address is no URL, or has no encryption; for http:// give client_options={{'allow_http': True}}"
            return StoreError(errno.EINVAL, text, place)
        if self.status == 429 or self.code in _THROTTLED or (self.status == 503 and not self.code):
            text = f"{what}: the store is throttling requests ({self.reason}); write less at once, or try again later"
            return ThrottledError(errno.EBUSY, text, place)
        if self.denied:
            text = (
                f"{what}: the store denies it ({self.reason}); check the credentials, and that they have {permission}"
            )
            if action in ("read", "look at"):
                text += ". A store that may not be listed also says this of objects that do not exist"
            return DeniedError(errno.EACCES, text, place)
        if self.status == 413 or self.code in _TOO_LARGE:
            text = f"{what}: it is larger than the store takes in one piece ({self.reason})"
            return TooLargeError(errno.EFBIG, text, place)
        if self.status == 507 or self.code in _FULL:
            text = f"{what}: the store has no room left ({self.reason}); free some, or raise the quota"
            return StorageFullError(errno.ENOSPC, text, place)
        if self.status >= 500 or self.broken:
            text = f"{what}: the store did not answer as it should, again and again ({self.reason}); try again later"
            return UnreachableError(errno.EHOSTUNREACH, text, place)
        if self.kind == "ValueError" or self.code in ("KeyTooLongError", "InvalidURI", "InvalidResourceName"):
            text = f"{what}: the store takes no object of this name ({self.reason}); shorten or change its template"
            return StoreError(errno.EINVAL, text, place)
        return StoreError(errno.EIO, f"{what}: the store refuses the request ({self.reason})", place)


def _final(error: StoreError) -> StoreError:
    error.final = True
    return error


def permission(scheme: str, action: str) -> str:
    """Return what a provider calls the permission to do something.

    Args:
        scheme: of the store's address.
        action: what is to be done, as a verb.
    """
    if scheme[:2] == "s3":
        return _S3.get(action, "s3:GetObject")
    if scheme == "gs":
        return _GOOGLE.get(action, "storage.objects.get")
    if scheme in ("az", "azure", "adl", "abfs", "abfss"):
        return _AZURE.get(action, "the role 'Storage Blob Data Contributor'")
    return f"the permission to {action} here"


def bad_configuration(error: Exception, url: str) -> ConfigurationError:
    """Return the error for options from which no client can be made.

    Args:
        error: what the client raised.
        url: the store's address, without secrets.
    """
    text = str(error).split("\n", 1)[0] if type(error).__name__ == "UnknownConfigurationKeyError" else ""
    if not text:
        # Only what the client says of itself: a value that it repeats may be a key.
        found = re.search(r"source: ([A-Z]\w+)", str(error))
        text = f"{type(error).__name__}{f' ({found[1]})' if found else ''}"
    return ConfigurationError(f"No client for {url} can be made from these options: {text}")
