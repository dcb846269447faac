"""The switches of a sandbox: caps, page sizes, limits, delays.

What belongs here: plain values with their defaults, which a test or the control API sets.

What stays out: what a switch does, which is decided where it is read, and the state of the site (``site``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Settings:
    """Every switch with its default. Times are seconds unless the name says otherwise."""

    inline_histories: int = 40
    inline_worklogs: int = 20
    inline_comments: int = 20
    search_page_ids: int = 5000
    search_page_scalars: int = 1000
    search_page_full: int = 100
    bulkfetch_limit: int = 100
    bulkfetch_scalar_limit: int = 1000
    changelog_page_limit: int = 10_000
    list_page_limit: int = 0
    transition_resolution_required: bool = False
    feed_delay_seconds: float = 60.0
    index_lag_seconds: float = 0.0
    latency_ms: float = 0.0
    burst_per_second: int = 0
    per_issue_write_limit: bool = False
    upload_limit_bytes: int = 1_073_741_824
    attachments_enabled: bool = True
    time_tracking_enabled: bool = True
    issue_linking_enabled: bool = True
    comments_per_issue: int = 5000
    worklogs_per_issue: int = 5000
    attachments_per_issue: int = 2000
    links_per_issue: int = 2000
    remote_links_per_issue: int = 2000
    task_polls: int = 1
    tell_time_zone: bool = True
    media_url_seconds: int = 600
    body_cache_issues: int = 4000
    answer_cache_issues: int = 12_000
    oversized_issue_bytes: int = 0
    gzip_level: int = 1
