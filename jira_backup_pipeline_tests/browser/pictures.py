"""Makes the README's pictures from a live state: `python -m jira_backup_pipeline_tests.browser.pictures`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from jira_backup_pipeline_tests.browser.pages import GRAPH, back_up_everything, visiting
from jira_backup_pipeline_tests.doubles.backed_site import backed_site
from jira_backup_pipeline_tests.doubles.dagster_services import ROOT, running_dagster

if TYPE_CHECKING:
    from jira_backup_pipeline_tests.doubles.dagster_services import DagsterServices

DOCS = ROOT / "docs"


def make_pictures(folder: Path) -> list[Path]:
    """Back up a sandbox, restore one of its projects, and photograph the graph and the fidelity report."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as made,
        backed_site(Path(made) / "site", projects=3, issues=90) as site,
        running_dagster(Path(made) / "home", code_environment=site.environment) as services,
    ):
        keys = back_up_everything(services)
        site.sandbox.edits.delete_project(keys[0], permanent=True)
        config = {"source_project": keys[0], "dry_run": False, "confirm": keys[0]}
        run = services.launch("restore_job", config)
        services.wait_for_run(run, seconds=240)
        return [
            photograph_graph(services, folder / "asset-graph.png"),
            photograph_report(services, run, folder / "fidelity-report.png"),
        ]


def photograph_graph(services: DagsterServices, path: Path) -> Path:
    """Photograph the whole graph of one project's tables."""
    with visiting(services, width=1500, height=1780) as visit:
        page = visit.open(GRAPH, "100% filled", "snapshot")
        graph = page.locator("svg").filter(has=page.locator("foreignObject")).first
        graph.wait_for()
        page.keyboard.press("Escape")
        page.screenshot(path=path)
    return path


def photograph_report(services: DagsterServices, run: str, path: Path) -> Path:
    """Photograph the fidelity report of a restore."""
    with visiting(services, width=1300, height=1150) as visit:
        page = visit.open_markdown(run, "result")
        page.locator('img[src^="data:image/svg+xml"]').first.wait_for()
        page.get_by_role("dialog").first.screenshot(path=path)
    return path


if __name__ == "__main__":
    for picture in make_pictures(DOCS):
        sys.stdout.write(f"{picture.relative_to(ROOT)}\n")
