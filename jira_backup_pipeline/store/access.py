"""How a bucket is reached and written: plain values, so that nobody needs boto3 to hold them.

What belongs here: the credentials and place of a bucket (`AwsAccess`) and the tunables of the S3 store (`S3Options`).

What stays out: where the values come from (`settings`, `vault`) and every call (`s3`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.secrets import Secret

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """Credentials and place of a bucket; whatever is None falls to boto3's own variables, files and roles."""

    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    region: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Options:
    """How objects are written to a bucket.

    A body over `single_put_limit_bytes` goes in parts of `part_bytes` (AWS takes no part under 5 MiB but the last).
    `server_side_encryption` is `AES256` or `aws:kms`, on top of our own; None leaves it to the bucket.
    `expected_bucket_owner` is an AWS account id: a bucket of another owner is refused by S3.
    """

    single_put_limit_bytes: int = 64 * _MIB
    part_bytes: int = 16 * _MIB
    server_side_encryption: str | None = None
    kms_key_id: str | None = None
    expected_bucket_owner: str | None = None
