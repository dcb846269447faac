"""What an S3 server's refusals mean for a reader of ours.

What belongs here: the mapping from error code and status to the errors of `domain`, with the remedy for each.

What stays out: when these errors are met and what is retried (`s3`), and boto3's own exception types (also there).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    BackupPipelineError,
    ConfigurationError,
    StoreError,
    TransientError,
)
from jira_backup_pipeline.store.contract import missing

_Remedy: TypeAlias = tuple[type[BackupPipelineError], str]

_LONGEST_REASON: Final = 200

# The permission that each call needs, in the words of a bucket policy.
_PERMISSIONS: Final = {
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "GetObject": "s3:GetObject",
    # Without s3:ListBucket, S3 answers 403 instead of 404 for a missing object.
    "HeadObject": "s3:GetObject and s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "DeleteObject": "s3:DeleteObject",
}

_CREDENTIALS: Final[_Remedy] = (
    AccessDenied,
    "Check the access key id and secret, with `jira-backup credentials set` or in the AWS variables.",
)
_EXPIRED: Final[_Remedy] = (
    AccessDenied,
    "Get new temporary credentials (or use a role that renews them) and run again.",
)
_PERMISSION: Final[_Remedy] = (
    AccessDenied,
    "Allow {permission} on the bucket and prefix for these credentials; also look at key policies and owner.",
)
_CLOCK: Final[_Remedy] = (AccessDenied, "Set this machine's clock: it differs from the server's by minutes.")
_REGION: Final[_Remedy] = (
    ConfigurationError,
    "Set AWS_REGION (or the endpoint) to where the bucket is.",
)
_BUCKET: Final[_Remedy] = (
    ConfigurationError,
    "Create the bucket first, or correct BACKUP_URI and the endpoint.",
)
_LATER: Final[_Remedy] = (
    TransientError,
    "The store was asked several times; run again later, what is stored is kept.",
)
_DAMAGED: Final[_Remedy] = (
    TransientError,
    "The bytes were changed on their way to the store; look at proxies between, and run again.",
)
_FULL: Final[_Remedy] = (StoreError, "Raise the quota or the limit of the store and run again.")
_UNSUPPORTED: Final[_Remedy] = (
    ConfigurationError,
    "The server lacks a feature that safe backups need, or an option that was switched on: see `jira-backup doctor`.",
)
_ARCHIVED: Final[_Remedy] = (
    StoreError,
    "Bring the object back from the archive storage class first, and keep the prefix out of archiving rules.",
)
_OTHER: Final[_Remedy] = (StoreError, "Look the code up in the store's documentation, then run again.")

_BY_CODE: Final[dict[str, _Remedy]] = {
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "InvalidSecurity": _CREDENTIALS,
    "ExpiredToken": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "NoSuchBucket": _BUCKET,
    "InvalidBucketName": _BUCKET,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _LATER,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "SlowDown": _LATER,
    "ServiceUnavailable": _LATER,
    "InternalError": _LATER,
    "RequestTimeout": _LATER,
    "RequestLimitExceeded": _LATER,
    "BandwidthLimitExceeded": _LATER,
    "Throttling": _LATER,
    "ThrottlingException": _LATER,
    "TooManyRequests": _LATER,
    "OperationAborted": _LATER,
    "ConditionalRequestConflict": _LATER,
    "NoSuchUpload": _LATER,
    "IncompleteBody": _LATER,
    "BadDigest": _DAMAGED,
    "InvalidDigest": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "XAmzContentChecksumMismatch": _DAMAGED,
    "EntityTooLarge": _FULL,
    "QuotaExceeded": _FULL,
    "InsufficientStorage": _FULL,
    "XMinioStorageFull": _FULL,
    "XMinioAdminBucketQuotaExceeded": _FULL,
    "NotImplemented": _UNSUPPORTED,
    "InvalidObjectState": _ARCHIVED,
}
_BY_STATUS: Final[dict[int, _Remedy]] = {
    301: _REGION,
    307: _LATER,
    401: _CREDENTIALS,
    403: _PERMISSION,
    408: _LATER,
    409: _LATER,
    413: _FULL,
    429: _LATER,
    500: _LATER,
    501: _UNSUPPORTED,
    502: _LATER,
    503: _LATER,
    504: _LATER,
    507: _FULL,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an S3 server answered instead of doing what it was asked; `operation` as the API names it."""

    operation: str
    status: int
    code: str
    message: str


def explain_answer(answer: Answer, *, bucket: str, key: str) -> BackupPipelineError:
    """Turn an S3 error answer into the error its reader can act on; `key` is empty when the bucket was asked."""
    if key and (answer.code == "NoSuchKey" or (answer.status == 404 and answer.code in {"404", "NotFound"})):  # noqa: PLR2004 -- the HTTP status
        return missing(key)
    kind, hint = _BY_CODE.get(answer.code) or _BY_STATUS.get(answer.status) or _OTHER
    reason = " ".join(f"{answer.code} {answer.message}".split())[:_LONGEST_REASON].rstrip(". ")
    what = f"{bucket}/{key}" if key else f"bucket {bucket}"
    permission = _PERMISSIONS.get(answer.operation, answer.operation)
    return kind(f"s3 refused {answer.operation} of {what}: {reason}", hint=hint.format(permission=permission))
