"""Streams the bytes of an attachment or of a project's avatar, across the redirect to the media host and over broken connections.

What belongs here: following the one redirect that is followed (without the Authorization header beyond our own origin), the
media UUID in it, and resuming by range where a connection broke, but only the same file: another size or tag ends it.

What stays out: storing the bytes (`engine`, `repository`) and attachment metadata (it comes with the issue).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from jira_backup_pipeline.domain.errors import TransientError, UnexpectedAnswer
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import AttachmentBytes
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.addresses import media_id_in, redirect_target
from jira_backup_pipeline.jira.wire.messages import Breakage, Broken, Refusal, Request, Response
from jira_backup_pipeline.jira.wire.retries import Fail, Refuse, Retry

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.exchange import Exchange

_CONTENT = "/rest/api/3/attachment/content/{attachment_id}"
_AVATAR = "/rest/api/3/universal_avatar/view/type/project/avatar/{avatar_id}"
_NOT_FOUND = 404
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _PARTIAL = 200, 206
_HOPS = 5
_RANGE = re.compile(r"bytes (\d+)-\d*/(\d+|\*)")
_ERROR_BODY_SECONDS = 30.0


def open_attachment(client: JiraClient, attachment_id: str) -> AttachmentBytes | Gap:
    """Start the download of an attachment; a refusal by Jira or its media host is a gap."""
    source = _Source(client, _content_of(attachment_id))
    opened = source.open_at(0)
    if isinstance(opened, Refusal):
        return gap_for(opened, kind="attachment", subject=f"attachment {attachment_id}")
    return AttachmentBytes(cast("BinaryIO", _Download(source, opened)), opened.length_bytes, source.media_id)


def open_avatar(client: JiraClient, avatar_id: str) -> AttachmentBytes | Gap:
    """Start the download of a project's avatar in the largest size that Jira has of it."""
    largest = _Source(client, Request.get(_AVATAR, {"avatar_id": avatar_id}, size="xlarge"))
    source, opened = largest, largest.open_at(0)
    if isinstance(opened, Refusal) and opened.status == _NOT_FOUND:
        # Jira says so of a size that there is not, also where there are others.
        source = _Source(client, Request.get(_AVATAR, {"avatar_id": avatar_id}))
        opened = source.open_at(0)
    if isinstance(opened, Refusal):
        return gap_for(opened, kind="avatar", subject=f"avatar {avatar_id}")
    return _picture(source, opened, avatar_id)


def _picture(source: _Source, opened: Exchange, avatar_id: str) -> AttachmentBytes | Gap:
    if "html" in opened.headers.get("content-type", "").lower():
        # A sign-in page is no picture; unlike an attachment, an avatar is never a page of its own.
        opened.close()
        return Gap(
            kind="avatar",
            subject=f"avatar {avatar_id}",
            reason="jira answered with a page for people instead of a picture",
            remedy="Check that no proxy or sign-in page stands between this machine and Jira.",
        )
    return AttachmentBytes(cast("BinaryIO", _Download(source, opened)), opened.length_bytes, source.media_id)


def media_id_of(client: JiraClient, attachment_id: str) -> str | None:
    """Tell the media UUID of an attachment from its download redirect; None where Jira hands the bytes out itself."""
    source = _Source(client, _content_of(attachment_id))
    opened = source.open_at(0)
    if not isinstance(opened, Refusal):
        opened.close()
    return source.media_id


def _content_of(attachment_id: str) -> Request:
    return Request.get(_CONTENT, {"attachment_id": attachment_id})


class _Source:
    """Opens a file at a position, with the retries of any other reading."""

    def __init__(self, client: JiraClient, request: Request) -> None:
        self._client = client
        self.request = request
        self.media_id: str | None = None

    def open_at(self, position: int) -> Exchange | Refusal:
        """Give the open answer that begins at a position (or at 0), or the refusal."""
        attempt = throttled = 0
        while True:
            attempt += 1
            outcome = self._attempt(position)
            if not isinstance(outcome, Response | Broken):
                return outcome
            decision = self._client.decide_on(outcome, attempt, self.request, throttled=throttled)
            match decision:
                case Refuse(refusal=refusal):
                    return self._client.checked(self.request, refusal)
                case Fail(error=error):
                    raise error
                case Retry():
                    throttled += decision.is_throttled
                    self._client.wait(self.request, decision)
                case _:
                    raise UnexpectedAnswer(
                        f"an attachment download ended with {outcome}",
                        hint="Report the attachment's id and this line.",
                    )

    def wait_after(self, broken: Broken, breaks: int) -> None:
        """Wait before a broken download is resumed, or give up when it broke too often in a row."""
        decision = self._client.decide_on(broken, breaks, self.request)
        if isinstance(decision, Fail):
            raise decision.error
        if isinstance(decision, Retry):
            self._client.wait(self.request, decision)

    def _attempt(self, position: int) -> Exchange | Response | Broken:
        try:
            exchange = self._follow(position)
            if exchange.status in (_OK, _PARTIAL):
                return exchange
            return exchange.read_whole(_ERROR_BODY_SECONDS)
        except Broken as broken:
            return broken

    def _follow(self, position: int) -> Exchange:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if position:
            headers["Range"] = f"bytes={position}-"
        url = self._client.base_url + self.request.target
        with self._client.turn(self.request):
            exchange = self._client.start(self.request, headers)
        for _ in range(_HOPS):
            if exchange.status not in _REDIRECTS:
                return exchange
            location = exchange.headers.get("location", "")
            exchange.dismiss()
            self.media_id = self.media_id or media_id_in(location)
            url = redirect_target(url, location)
            exchange = self._client.start_elsewhere(url, headers)
        exchange.close()
        raise UnexpectedAnswer(
            f"an attachment download was redirected more than {_HOPS} times",
            hint="Check for a proxy or gateway that sends redirects round in a circle.",
        )


@dataclass(frozen=True, slots=True)
class _File:
    """What an answer tells of the whole file it is (a part of); None where it is silent."""

    size_bytes: int | None
    tag: str | None

    @classmethod
    def of(cls, answer: Exchange) -> Self:
        tag = answer.headers.get("etag")
        if answer.status != _PARTIAL:
            return cls(answer.length_bytes, tag)
        told = _RANGE.match(answer.headers.get("content-range", ""))
        return cls(int(told.group(2)) if told and told.group(2) != "*" else None, tag)

    def may_be(self, other: _File) -> bool:
        """Tell whether nothing that both answers state speaks against one and the same file."""
        pairs = ((self.size_bytes, other.size_bytes), (self.tag, other.tag))
        return all(mine == theirs for mine, theirs in pairs if mine is not None and theirs is not None)


class _Download(io.RawIOBase):
    """The bytes from the first to the last, whatever connections they came over."""

    def __init__(self, source: _Source, exchange: Exchange) -> None:
        self._source = source
        self._exchange = exchange
        self._file = _File.of(exchange)
        self._position = 0
        self._to_skip = 0
        self._rest = b""
        self._breaks_in_a_row = 0

    def readable(self) -> bool:
        """Tell that this can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Give the next bytes as they came, at most `size` of them; without one all to the end."""
        if size < 0:
            return self.readall()
        piece = self._rest or self._next_piece()
        if len(piece) <= size:
            self._rest = b""
            return piece
        self._rest = piece[size:]
        return piece[:size]

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer with the next bytes, as many as there are at once."""
        target = memoryview(buffer).cast("B")
        piece = self.read(len(target))
        target[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self._exchange.close()
        super().close()

    def _next_piece(self) -> bytes:
        while True:
            try:
                piece = self._exchange.read_piece()
            except Broken as broken:
                if self._is_complete:
                    return b""
                self._resume(broken)
                continue
            if not piece and self._is_part_of_a_range:
                self._resume(Broken(Breakage.CUT, "the answer gave less than the range that was asked for"))
                continue
            if self._to_skip and not piece:
                raise self._given_up("the resumed download is shorter than what had already come")
            skipped = min(len(piece), self._to_skip)
            self._to_skip -= skipped
            if skipped and skipped == len(piece):
                continue
            self._position += len(piece) - skipped
            self._breaks_in_a_row = 0
            return piece[skipped:]

    @property
    def _is_complete(self) -> bool:
        return self._position == self._file.size_bytes

    @property
    def _is_part_of_a_range(self) -> bool:
        """Tell whether a partial answer ended before the file does: a server may give less than what was asked for."""
        size = self._file.size_bytes
        return self._exchange.status == _PARTIAL and size is not None and self._position < size

    def _resume(self, broken: Broken) -> None:
        """Ask for the rest, as patiently as for any other answer: breaks without progress between them are counted."""
        self._exchange.close()
        self._breaks_in_a_row += 1
        self._source.wait_after(broken, self._breaks_in_a_row)
        opened = self._source.open_at(self._position)
        if isinstance(opened, Refusal):
            raise self._given_up(f"{opened.status}: {opened.words}")
        told = _File.of(opened)
        if self._position and not self._file.may_be(told):
            opened.close()
            raise self._given_up("the file was replaced by another while it was read")
        if not self._position or self._file.size_bytes is None:
            self._file = told
        self._exchange = opened
        self._to_skip = self._position - self._start_of(opened)

    def _start_of(self, opened: Exchange) -> int:
        """Tell where an answer starts: a media host that does not know ranges begins anew."""
        if opened.status != _PARTIAL:
            return 0
        told = _RANGE.match(opened.headers.get("content-range", ""))
        start = int(told.group(1)) if told else self._position + 1
        if start > self._position:
            raise self._given_up("the media host resumed at another place")
        return start

    def _given_up(self, words: str) -> TransientError:
        return TransientError(
            f"the download of {self._source.request.path} broke at byte {self._position} ({words})",
            hint="Run again: attachments that are already stored are not downloaded a second time.",
        )
