"""Errors of object storage, in one line that repeats no secret.

Of what a library or the storage itself says, only codes and names of errors are
repeated, and of an endpoint only its host and port: the rest may hold what is secret.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from drift.sim.errors import BadInput, StorageError, printable

_NAMED = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE,"
_BY_CODE = {
    "NoSuchBucket": "there is no such bucket; one that is there is needed",
    "RequestTimeTooSkewed": "the storage's clock is far from this machine's",
    **dict.fromkeys(
        ("AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden", "403"),
        "the credentials do not allow this; to list, read, write and delete objects is needed",
    ),
    **dict.fromkeys(
        (
            *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurity", "InvalidToken"),
            *("ExpiredToken", "TokenRefreshRequired", "InvalidClientTokenId", "NotSignedUp"),
        ),
        f"the credentials are refused; {_NAMED} must name valid ones",
    ),
    **dict.fromkeys(
        (
            *("PermanentRedirect", "TemporaryRedirect", "Redirect", "301", "307"),
            *("AuthorizationHeaderMalformed", "IllegalLocationConstraintException"),
        ),
        "the bucket is in another region; AWS_DEFAULT_REGION must name it",
    ),
}
_BY_NAME = {
    "NoCredentialsError": f"there are no credentials; {_NAMED} must name them",
    "ProfileNotFound": "there is no such profile as AWS_PROFILE names",
    **dict.fromkeys(
        ("PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"),
        f"the credentials can't be had; {_NAMED} must name valid ones",
    ),
}


@contextmanager
def as_storage_error(label: str) -> Iterator[None]:
    """Raise what goes wrong with object storage in the block as StorageError at `label`."""
    try:
        yield
    except (BadInput, StorageError):
        raise
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("s3fs", "botocore", "fsspec"):
            raise
        raise StorageError(
            label, "the library s3fs is needed, which bf16-drift[s3] brings"
        ) from error
    except Exception as error:
        line = _line(error)
        if line is None:
            raise
        raise StorageError(label, line) from error


def error_code(error: Exception) -> str:
    """The storage's own word for what went wrong; empty where it said none."""
    for each in (error, error.__cause__):
        response: Any = getattr(each, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def _line(error: Exception) -> str | None:
    """Return what to say of an error; None where it is another library's."""
    said = error_code(error)
    if said.isdigit() and said not in _BY_CODE:
        return f"what is there answers {said}, and is hardly object storage"
    if said:
        return _BY_CODE.get(said, f"the storage says {printable(said)}")
    names = [each.__name__ for each in type(error).__mro__]
    for name in names:
        if name in _BY_NAME:
            return _BY_NAME[name]
    if {"ConnectionError", "HTTPClientError", "ClientError", "TimeoutError"} & set(names):
        return f"{_endpoint(error)} can't be reached ({names[0]})"
    if "BotoCoreError" in names or isinstance(error, OSError):
        return f"the storage fails ({names[0]})"
    return None


def _endpoint(error: Exception) -> str:
    """Scheme, host and port of where it was sought."""
    known: Any = getattr(error, "kwargs", {})
    named = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    try:
        found = urlsplit(known.get("endpoint_url") or named)
        port = f":{found.port}" if found.port else ""
    except ValueError:
        return "the endpoint"
    return f"{found.scheme}://{found.hostname}{port}" if found.hostname else "the endpoint"
