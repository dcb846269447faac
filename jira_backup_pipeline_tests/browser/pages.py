"""The Dagster UI as a user meets it: a Chromium page that reports every request that leaves the machine."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from jira_backup_pipeline_tests.doubles.dagster_services import LOCATION, eventually
from jira_backup_pipeline_tests.programs import groups

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page

    from jira_backup_pipeline_tests.doubles.dagster_services import DagsterServices

GRAPH = f"/locations/{LOCATION}/asset-groups/jira_projects/lineage"
SITE_GRAPH = f"/locations/{LOCATION}/asset-groups/jira_site/lineage"
LAUNCHPAD = f"/locations/{LOCATION}/jobs/restore_job/playground"
PARTITIONS = "/assets/jira/snapshot?view=partitions"
CHECKS = "/assets/jira/discovered_projects?view=checks"

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
SLOW_MACHINE_MS = 60_000


class Visit:
    """One page, and what it asked for elsewhere or failed at."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url
        self.strangers: list[str] = []
        self.errors: list[str] = []
        page.set_default_timeout(SLOW_MACHINE_MS)
        page.on("request", lambda request: self._note(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, path: str, *texts: str) -> Page:
        """Open a page and wait until it shows these texts."""
        self.page.goto(f"{self._url}{path}")
        for text in texts:
            self.page.get_by_text(text).first.wait_for()
        return self.page

    def open_markdown(self, run: str, label: str) -> Page:
        """Open a run and the dialog of a Markdown value of one of its outputs."""
        page = self.open(f"/runs/{run}", "RUN_SUCCESS")
        page.get_by_placeholder("Filter").last.fill(f'Yielded output "{label}"')
        page.get_by_text("[Show Markdown]").first.click()
        return page

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self.strangers.append(url)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start a browser."""
    program = groups()["browser"].path
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(
    browser: Browser, services: DagsterServices, *, width: int = 1500, height: int = 1000
) -> Iterator[Visit]:
    """Open one page with a profile of its own: nothing that an earlier visit stored is there."""
    context = browser.new_context(viewport={"width": width, "height": height})
    try:
        yield Visit(context.new_page(), services.url)
    finally:
        context.close()


def back_up_everything(services: DagsterServices) -> Sequence[str]:
    """Wait for the discovered projects and back up the site and each of them; gives their keys."""
    keys: list[str] = eventually(services.partitions, seconds=120, what="the discovery sensor's partitions")
    runs = [services.launch("site_backup_job", {})]
    runs += [services.launch("backup_job", {}, partition=key) for key in keys]
    for run in runs:
        ended = services.wait_for_run(run, seconds=240)
        assert ended == "SUCCESS", services.events(run)
    return sorted(keys)
