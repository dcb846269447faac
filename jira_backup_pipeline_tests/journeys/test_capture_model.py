"""Whatever happens to a site between, during and across captures, every snapshot is the site's own truth, record by record.

The law, for an issue that the backup account may see at the moment of a capture that nothing disturbs:

1. It is in the snapshot, and with the `updated` that the site says: a change that moves `updated` is in the next snapshot.
2. All that is stored of it is what the site held at one moment, never a mixture. That moment is this capture or an earlier
   one; an earlier one only for *silent* changes, those that move neither `updated` nor history (a watcher, a vote, a
   property, a renamed person, a title of a linked issue, a visibility), and only for `REREAD_DAYS` days: by then its turn
   of the rolling re-read has come. What a dead run read counts as of the day on which a run took it over.
3. A full capture takes nothing over but what a dead run read since the last snapshot.
4. What is stored never goes back to an earlier moment.
5. A property whose key the snapshot before the reading did not hold may be missing until a full capture (keys are found
   by sample); nothing else of the properties may differ.
6. Watchers and voters may be older as long as their number is the stated one, remote links as long as the history names no
   new one, both until a full capture: a delta asks for no more.
7. An issue changed *while* a capture ran may be stored torn; the next capture makes it whole, or, where the change was
   silent, the next that reads it (2 and 3 say when that is).
8. An issue that is not there any more (deleted, moved, hidden) is not in the snapshot, or the snapshot says that it is
   unresolved; and nothing is missing without a gap.
9. The configuration of the site and the settings of a project are, record by record, those of the moment.
10. While a project lies in the archive no search lists its issues: nothing that was stored is lost, whatever of it is read
   anew is a state that the site had, and the first capture after it came back obeys all of the above again.

In half of the examples the search index lags ten minutes behind. A capture within that time may miss what is new and keep
what is gone (the next one out of it may not), but 2 to 7 hold for all that it stores.

`MODEL_EXAMPLES` in the environment asks for more examples than the few of a usual run, and for new ones each time.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from jira_backup_pipeline.domain.errors import CredentialsRejected
from jira_backup_pipeline.domain.manifest import SnapshotState, project_scope
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.engine.backup import find_projects, new_run_id
from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.capture.site import capture_site
from jira_backup_pipeline.engine.verify import VerifyLevel, verify
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.repository.identity import read_identity
from jira_backup_pipeline.repository.repository import create_repository, open_repository
from jira_backup_pipeline.sandbox.server import start_sandbox
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.captures import OPERATOR, RECOVERY
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime
from jira_backup_pipeline_tests.doubles.settings_edits import SETTINGS_EDITS
from jira_backup_pipeline_tests.doubles.settings_truth import (
    project_held,
    project_stored,
    site_held,
    site_stored,
)
from jira_backup_pipeline_tests.doubles.site_edits import EDITS
from jira_backup_pipeline_tests.doubles.site_truth import difference, held_by, stored_in
from jira_backup_pipeline_tests.doubles.stores import CrashingStore, Moment, ProcessKilled
from jira_backup_pipeline_tests.unit.sandbox_calls import Calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.sandbox.http import Request
    from jira_backup_pipeline.store.contract import Store
    from jira_backup_pipeline_tests.doubles.settings_truth import Settings
    from jira_backup_pipeline_tests.doubles.site_truth import IssueRecords

REREAD_DAYS = 2
LAG_SECONDS = 600
START = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
# Just before which request of a capture an edit happens.
PLACES = (
    "/search/jql",
    "/issue/bulkfetch",
    "/changelog/bulkfetch",
    "/comment",
    "/watchers",
    "/remotelink",
    "/attachment/content",
    "/properties",
    "/approximate-count",
    "/role",
)


@dataclass
class Seen:
    """The truth at one capture, and the keys of properties that the snapshot before it holds.

    `day` is when it was taken over: None while only a dead run has read it.
    """

    issues: dict[str, IssueRecords]
    known_keys: frozenset[str]
    day: date | None = None


@dataclass
class Expected:
    """What is known of one project's snapshots: the truths of its captures, and from which on each issue may be stored."""

    seen: list[Seen] = field(default_factory=list)
    earliest: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    torn: dict[str, tuple[date, str]] = field(default_factory=dict)
    stored: dict[str, IssueRecords] = field(default_factory=dict)
    number: int = 0
    full_at: int = 0


class EditsAndCaptures(RuleBasedStateMachine):
    """Edits anything, captures in every way, and holds each snapshot against the law."""

    def __init__(self) -> None:
        super().__init__()
        self.running = start_sandbox(projects=2, issues=7, seed=6)
        self.site = self.running.site
        self.site.clock.freeze(round(START.timestamp() * 1000))
        self.calls = Calls(self.running.core, self.running.edits, self.running.token)
        self.store = MemoryStore()
        create_repository(
            self.store, operator=read_identity(OPERATOR), recovery_recipient=RECOVERY, clock=self.clock
        )
        self.projects = [str(number) for number in self.site.projects]
        self.expected = {project: Expected() for project in self.projects}
        self.edited_at = 0
        self.archived: set[str] = set()
        self.running.edits.obey_security_levels()

    def teardown(self) -> None:
        try:
            for project in sorted(self.archived):
                self.archive_or_restore(self.projects.index(project))
            self.let_the_index_catch_up()
            for project in self.projects:
                self.capture(project, is_full=True)
            findings = list(verify(self.repository(self.store), level=VerifyLevel.DECRYPT).findings)
            assert findings == []
        finally:
            self.running.stop()

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.site.now() / 1000, UTC)

    @contextmanager
    def reader(self) -> Iterator[CloudReader]:
        config = JiraConfig(self.running.url, self.running.email, Secret(self.running.token))
        with connect(config, timing=PlayedTime().timing()) as client:
            yield CloudReader(client)

    def repository(self, store: Store) -> Repository:
        return open_repository(store, identity_text=OPERATOR, clock=self.clock)

    def let_the_index_catch_up(self) -> None:
        if self.site.index is not None:
            self.site.clock.advance(LAG_SECONDS * 1_000)

    # what happens

    @initialize(lags=st.booleans())
    def begin(self, *, lags: bool) -> None:
        if lags:
            self.running.edits.set_index_lag(LAG_SECONDS)

    @rule(name=st.sampled_from(sorted(EDITS)), which=st.integers(0, 30), number=st.integers(0, 60))
    def edit(self, name: str, which: int, number: int) -> None:
        self.site.clock.advance(1_000)
        self.edited_at = self.site.now()
        seen = [
            issue
            for issue in self.site.issues
            if self.site.can_see(self.site.backup_account, issue)
            and str(issue.project_id) not in self.archived
        ]
        if seen:
            EDITS[name](self.calls, seen[which % len(seen)], number)

    @rule(name=st.sampled_from(sorted(SETTINGS_EDITS)), which=st.integers(0, 1), number=st.integers(0, 60))
    def edit_settings(self, name: str, which: int, number: int) -> None:
        self.site.clock.advance(1_000)
        self.edited_at = self.site.now()
        project = self.site.projects[int(self.projects[which])]
        if self.projects[which] not in self.archived:
            SETTINGS_EDITS[name](self.calls, project, number)

    @rule(which=st.integers(0, 1))
    def archive_or_restore(self, which: int) -> None:
        project = self.projects[which]
        self.site.clock.advance(1_000)
        self.edited_at = self.site.now()
        what = "restore" if project in self.archived else "archive"
        assert self.calls.send("POST", f"/project/{project}/{what}").status < 300
        self.archived ^= {project}

    @rule(days=st.integers(1, 3))
    def days_pass(self, days: int) -> None:
        self.site.clock.advance(days * 86_400_000)

    @rule(which=st.integers(0, 1), is_full=st.booleans(), pack_units=st.sampled_from([1, 2000]))
    def quiet_capture(self, which: int, *, is_full: bool, pack_units: int) -> None:
        self.let_the_index_catch_up()
        self.capture(self.projects[which], is_full=is_full, pack_units=pack_units)

    @rule()
    def capture_of_the_site(self) -> None:
        """From now on captures know people to search for, and worklogs that the feed names. What it stores is the site's truth."""
        self.site.clock.advance(1_000)
        repository = self.repository(self.store)
        with self.reader() as reader:
            outcome = capture_site(repository, reader, run=new_run_id(self.clock), clock=self.clock)
        held, stored = site_held(self.site), site_stored(repository, outcome.manifest)
        assert held == stored, f"the site: {difference(held, stored)}"
        assert outcome.manifest.unexplained == 0, outcome.manifest.ledger

    @rule(which=st.integers(0, 1), calls=st.integers(3, 60), moment=st.sampled_from(list(Moment)))
    def killed_capture(self, which: int, calls: int, moment: Moment) -> None:
        dying = CrashingStore(self.store, calls, moment=moment)
        self.capture(self.projects[which], pack_units=1, store=dying)

    @rule(which=st.integers(0, 1), requests=st.integers(3, 30))
    def capture_whose_token_is_revoked(self, which: int, requests: int) -> None:
        self.running.faults.add("status", status=401, after=requests, times=None)
        self.capture(self.projects[which], pack_units=1)
        self.running.faults.clear()

    @rule(
        which=st.integers(0, 1),
        moment=st.tuples(st.sampled_from(PLACES), st.integers(1, 2)),
        name=st.sampled_from(sorted(EDITS)),
        issue=st.integers(0, 30),
        number=st.integers(0, 60),
    )
    def capture_during_an_edit(
        self, which: int, moment: tuple[str, int], name: str, issue: int, number: int
    ) -> None:
        core, answer = self.running.core, self.running.core.exchange
        place, left = moment[0], [moment[1]]

        def exchange(request: Request) -> Any:
            left[0] -= place in request.path
            if left[0] == 0:
                left[0] = -1
                self.edit(name, issue, number)
            return answer(request)

        core.exchange = exchange  # type: ignore[method-assign]
        try:
            self.capture(self.projects[which])
        finally:
            core.exchange = answer  # type: ignore[method-assign]

    # what must hold

    def capture(
        self, project: str, *, is_full: bool = False, pack_units: int = 2000, store: Store | None = None
    ) -> None:
        self.site.clock.advance(1_000)
        before, settings_before = held_by(self.site, project), self.settings_of(project)
        started_ms = self.site.now()
        has_ended = self.run(project, store or self.store, is_full=is_full, pack_units=pack_units)
        # Every edit moves the site's clock: where it stands still nobody changed anything meanwhile.
        after = before if self.site.now() == started_ms else held_by(self.site, project)
        manifest = self.repository(self.store).latest(project_scope(project), include_doubtful=True)
        expected = self.expected[project]
        is_committed = manifest is not None and manifest.number > expected.number
        assert is_committed or not has_ended
        keys = {key for found in expected.stored.values() for kind, key in found if kind == "issue_property"}
        expected.seen += [Seen(before, frozenset(keys)), Seen(after, frozenset(keys))]
        if manifest is not None and is_committed:
            expected.number = manifest.number
            if project in self.archived:
                self.check_archived(expected, stored_in(self.repository(self.store), manifest), after)
                return
            self.check(project, manifest, before, after, is_full=is_full)
            if settings_before == self.settings_of(project):
                self.check_settings(project, manifest)

    def run(self, project: str, store: Store, *, is_full: bool, pack_units: int) -> bool:
        """Capture as a process of its own would; tell whether it lived to the end."""
        with self.reader() as reader:
            try:
                [listed] = find_projects(reader, [project])
                capture_project(
                    self.repository(store),
                    reader,
                    listed,
                    run=new_run_id(self.clock),
                    clock=self.clock,
                    options=CaptureOptions(
                        is_full=is_full, pack_units=pack_units, reread_days=REREAD_DAYS, overlap_hours=1
                    ),
                )
            except (ProcessKilled, CredentialsRejected):
                return False
        return True

    def check(
        self,
        project: str,
        manifest: Manifest,
        before: dict[str, IssueRecords],
        after: dict[str, IssueRecords],
        *,
        is_full: bool,
    ) -> None:
        expected, repository = self.expected[project], self.repository(self.store)
        stored = stored_in(repository, manifest)
        if manifest.state is SnapshotState.DOUBTFUL:
            trusted = repository.latest(project_scope(project))
            assert trusted is not None
            assert expected.stored == stored_in(repository, trusted)
            return
        touched = {i for i in {*before, *after} if before.get(i) != after.get(i)}
        today = manifest.captured_at.date()
        if is_full and all(seen.day for seen in expected.seen[:-2]):
            expected.full_at = len(expected.seen) - 2
        allowed = [
            n
            for n, seen in enumerate(expected.seen)
            if seen.day is None or (not is_full and seen.day > today - timedelta(days=REREAD_DAYS))
        ]
        for seen in expected.seen:
            seen.day = seen.day or today
        is_blind = self.site.index is not None and self.site.now() - self.edited_at < LAG_SECONDS * 1_000
        if not is_blind:
            assert not (after.keys() - stored.keys() - touched), "issues are missing"
            told = {*manifest.unresolved, *(gap.issue_id for gap in manifest.gaps)}
            absent = stored.keys() - after.keys() - touched
            assert absent <= told, f"stored although they are not there: {absent - told}"
        for issue_id in after.keys() & stored.keys() - touched:
            if is_blind and _updated(stored, issue_id) != _updated(after, issue_id):
                continue
            self.check_issue(expected, issue_id, stored[issue_id], allowed, is_full=is_full)
        for issue_id in touched & after.keys():
            if issue_id in before and _updated(before, issue_id) == _updated(after, issue_id):
                expected.torn[issue_id] = today, _updated(after, issue_id)
            expected.earliest[issue_id] = len(expected.seen) - 1
        if not touched and not is_blind:
            assert manifest.unexplained == 0, manifest.ledger
            assert not manifest.gaps or stored.keys() - after.keys(), manifest.gaps
        expected.stored = stored

    def check_archived(
        self, expected: Expected, stored: dict[str, IssueRecords], after: dict[str, IssueRecords]
    ) -> None:
        lost = (expected.stored.keys() & after.keys()) - stored.keys()
        assert not lost, f"in the archive and lost: {lost}"
        for issue_id, found in stored.items():
            held = [seen.issues[issue_id] for seen in expected.seen if issue_id in seen.issues]
            if issue_id not in expected.torn and found != expected.stored.get(issue_id):
                core = _part(found, "core")
                assert any(_part(one, "core") == core for one in held), f"issue {issue_id} never was so"
        expected.stored = stored

    def check_issue(
        self, expected: Expected, issue_id: str, found: IssueRecords, allowed: list[int], *, is_full: bool
    ) -> None:
        held = expected.seen[-1].issues
        now, updated = held[issue_id], _updated(held, issue_id)
        assert _updated({issue_id: found}, issue_id) == updated, f"issue {issue_id} changed and was not read"
        torn_on, torn_as = expected.torn.pop(issue_id, (date.min, ""))
        if not is_full and torn_as == updated and expected.seen[-1].day < torn_on + timedelta(REREAD_DAYS):
            expected.torn[issue_id] = torn_on, torn_as
            return
        known = [n for n, seen in enumerate(expected.seen) if issue_id in seen.issues]
        moments = [n for n in allowed if n >= expected.earliest[issue_id] and n in known]
        core = _part(found, "core")
        same = [n for n in moments if _part(expected.seen[n].issues[issue_id], "core") == core]
        assert same, f"issue {issue_id}: {difference(_part(now, 'core'), core)}"
        properties = _part(found, "issue_property")
        assert any(_agree(properties, expected.seen[n], issue_id, is_full=is_full) for n in moments), (
            f"issue {issue_id}: {difference(_part(now, 'issue_property'), properties)}"
        )
        for kind in _KEPT:
            older = [
                n
                for n in known
                if n >= expected.full_at and _may_keep(kind, expected.seen[n].issues[issue_id], found)
            ]
            part = _part(found, kind)
            assert any(_part(expected.seen[n].issues[issue_id], kind) == part for n in {*moments, *older}), (
                f"issue {issue_id}: {difference(_part(now, kind), part)}"
            )
        fields = core["issue", issue_id]["fields"]
        counts = (fields["watches"]["watchCount"], fields["votes"]["votes"])
        assert counts == (len(_part(found, "watcher")), len(_part(found, "vote")))
        expected.earliest[issue_id] = max(same)

    def settings_of(self, project: str) -> Settings:
        return project_held(self.site, project)

    def check_settings(self, project: str, manifest: Manifest) -> None:
        held = self.settings_of(project)
        stored = project_stored(self.repository(self.store), manifest, held)
        assert held == stored, f"project {project}: {difference(held, stored)}"


def _updated(issues: dict[str, IssueRecords], issue_id: str) -> str:
    updated = issues[issue_id]["issue", issue_id]["fields"]["updated"]
    assert isinstance(updated, str)
    return updated


# What a delta keeps as it is stored where nothing says that it changed.
_KEPT = ("watcher", "vote", "remote_link")


def _part(records: IssueRecords, wanted: str) -> IssueRecords:
    """Give the records of one of the kinds that have a law of their own, or all others (`core`)."""
    of_its_own = (*_KEPT, "issue_property")
    return {
        key: value
        for key, value in records.items()
        if (key[0] == wanted if wanted != "core" else key[0] not in of_its_own)
    }


def _may_keep(kind: str, before: IssueRecords, found: IssueRecords) -> bool:
    """Tell whether an issue read anew may keep what was stored of it: watchers and voters by number, links by history."""
    if kind != "remote_link":
        return len(_part(before, kind)) == len(_part(found, kind))
    named = [
        {
            key
            for key, value in records.items()
            if key[0] == "changelog" and "RemoteWorkItemLink" in str(value)
        }
        for records in (before, found)
    ]
    return named[0] == named[1]


def _agree(found: IssueRecords, seen: Seen, issue_id: str, *, is_full: bool) -> bool:
    held = _part(seen.issues[issue_id], "issue_property")
    missing = held.keys() - found.keys()
    if missing and (is_full or any(key in seen.known_keys for _, key in missing)):
        return False
    return found == {key: value for key, value in held.items() if key not in missing}


EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
EditsAndCaptures.TestCase.settings = settings(
    max_examples=EXAMPLES or 4,
    stateful_step_count=30,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    # Making a failing example smaller takes minutes; a usual run shows it as it is.
    phases=tuple(Phase) if EXAMPLES else (Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
TestEditsAndCaptures = EditsAndCaptures.TestCase
