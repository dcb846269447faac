"""Which account of the target stands for an account of the snapshot: the mapping's, the same one, that of the same e-mail.

What belongs here: finding accounts on the target, once for each plan, and what could not be found.

What stays out: where accounts are written (`fields`, `relations`, `place`, `texts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    CredentialsRejected,
    NotFound,
    UnexpectedAnswer,
    WriteRefused,
)
from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.planned_lines import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.stand_ins import StandIns

_API = "/rest/api/3"
_PEOPLE_PER_REQUEST = 100
# Why an account is not written, in the words of plan and report.
INACTIVE = "the account is inactive: Jira refuses it"
UNKNOWN = "the target does not know the account"
NOT_ACTIVE = "the account is not active on the target"
# Reasons why Jira would not say: the account is then simply not known.
_UNTOLD = (NotFound, AccessDenied, WriteRefused, UnexpectedAnswer)


@dataclass(frozen=True, slots=True)
class People:
    """Accounts of the snapshot on the target.

    `active` tells for each that is known there, itself or its stand-in, whether it is active; `replaced` leads to the
    stand-ins; `fallback` is the account that does for everybody else.
    """

    active: Mapping[str, bool] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)
    fallback: str = ""
    by_email: int = 0
    conflicts: tuple[Conflict, ...] = ()


def find_people(
    calls: Calls, wanted: Iterable[str], emails: Mapping[str, str], stand_ins: StandIns
) -> People:
    """Find who stands in for accounts of the snapshot; `emails` are those that the snapshot knows.

    On the site that the snapshot came from every account is known, and nothing is searched.
    """
    search = _Search(calls)
    people = sorted(set(wanted))
    named = {
        account: target
        for account in people
        if (target := stand_ins.of("people", account, emails.get(account))) is not None
    }
    conflicts = list(_unknown_entries(search, stand_ins))
    replaced = {account: found for account, target in named.items() if (found := search.account(target))}
    known = read_accounts(calls, [account for account in people if account not in named])
    strangers = [account for account in people if account not in named and account not in known]
    by_email = {
        account: found
        for account in strangers
        if account in emails and (found := search.by_email(emails[account])) is not None
    }
    fallback = search.account(stand_ins.fallback_person) if stand_ins.fallback_person else None
    if stand_ins.fallback_person and fallback is None:
        conflicts.append(_unknown("fallback_person", stand_ins.fallback_person))
    settled = replaced | by_email
    active = {**known, **dict.fromkeys(settled, True)}
    others = {account: target for account, target in settled.items() if account != target}
    return People(active, others, fallback or "", len(by_email), tuple(conflicts))


def planned_people(calls: Calls, wanted: Iterable[str], replaced: Mapping[str, str], fallback: str) -> People:
    """Look at the accounts that a plan settled on once more: somebody may have become inactive since."""
    targets = {account: replaced.get(account, account) for account in wanted}
    known = read_accounts(calls, targets.values())
    active = {account: known[target] for account, target in targets.items() if target in known}
    return People(active, replaced, fallback)


def read_accounts(calls: Calls, account_ids: Iterable[str]) -> dict[str, bool]:
    """Tell for each account that the target knows whether it is active; one of which it does not say so counts as active."""
    wanted = sorted(set(account_ids))
    known: dict[str, bool] = {}
    for start in range(0, len(wanted), _PEOPLE_PER_REQUEST):
        left = wanted[start : start + _PEOPLE_PER_REQUEST]
        while left:
            names = "&".join(f"accountId={account_id}" for account_id in left)
            answer = calls.get(f"{_API}/user/bulk?{names}&maxResults={_PEOPLE_PER_REQUEST}")
            found = {str(item.get("accountId")): item for item in list_of(answer, "values")}
            known |= {account_id: item.get("active") is not False for account_id, item in found.items()}
            # Jira may give fewer than it was asked for: whoever is not in the answer is unknown only if it is the last page.
            is_whole = not isinstance(answer, dict) or answer.get("isLast") is True
            rest = [account_id for account_id in left if account_id not in found]
            left = rest if found and len(rest) < len(left) and not is_whole else []
    return known


class _Search:
    """Looks accounts up on the target, each once."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._found: dict[str, str | None] = {}

    def account(self, named: str) -> str | None:
        """Find an active account by id or e-mail address."""
        if "@" in named:
            return self.by_email(named)
        if named not in self._found:
            self._found[named] = named if read_accounts(self._calls, [named]).get(named) else None
        return self._found[named]

    def by_email(self, email: str) -> str | None:
        """Find an active account by its e-mail address. One that hides its address cannot be known by it."""
        wanted = email.casefold()
        if wanted not in self._found:
            try:
                answer = self._calls.get(f"{_API}/user/search", {"query": email, "maxResults": "50"})
            except CredentialsRejected:
                raise
            except _UNTOLD:
                answer = []
            self._found[wanted] = next(_holders(answer, wanted), None)
        return self._found[wanted]


def _holders(answer: object, email: str) -> Iterator[str]:
    for item in answer if isinstance(answer, list) else []:
        found: dict[str, Any] = item if isinstance(item, dict) else {}
        # The search also gives addresses and names that only begin like it.
        if str(found.get("emailAddress", "")).casefold() == email and found.get("active") is not False:
            yield str(found["accountId"])


def _unknown_entries(search: _Search, stand_ins: StandIns) -> Iterator[Conflict]:
    for source, target in sorted(stand_ins.sections.get("people", {}).items()):
        if search.account(target) is None:
            yield _unknown(f"[people] {source}", target)


def _unknown(subject: str, target: str) -> Conflict:
    return Conflict(
        "mapping",
        subject,
        f"the target has no active account {target!r}",
        "Correct the mapping file; name the account by its id where it hides its e-mail address.",
        is_blocking=True,
    )
