"""Makes the README's pictures from a live state: `python -m jira_backup_pipeline_tests.browser.pictures`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from jira_backup_pipeline.orchestration.assets.specs import project_specs
from jira_backup_pipeline_tests.browser.pages import GRAPH, back_up_everything, browsing, visiting
from jira_backup_pipeline_tests.doubles.backed_site import backed_site
from jira_backup_pipeline_tests.doubles.dagster_services import ROOT, running_dagster

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from jira_backup_pipeline_tests.doubles.dagster_services import DagsterServices

DOCS = ROOT / "docs"
_MOST_ZOOM_CLICKS = 6
_TOOLBAR_PIXELS = 215


def make_pictures(folder: Path) -> list[Path]:
    """Back up a sandbox, restore one of its projects, and photograph the graph and the fidelity report."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as made,
        backed_site(Path(made) / "site", projects=3, issues=90) as site,
        running_dagster(Path(made) / "home", code_environment=site.environment) as services,
        browsing() as browser,
    ):
        keys = back_up_everything(services)
        site.sandbox.edits.delete_project(keys[0], permanent=True)
        config = {"source_project": keys[0], "dry_run": False, "confirm": keys[0]}
        run = services.launch("restore_job", config)
        services.wait_for_run(run, seconds=240)
        return [
            photograph_graph(browser, services, folder / "asset-graph.png"),
            photograph_report(browser, services, run, folder / "fidelity-report.png"),
        ]


def photograph_graph(browser: Browser, services: DagsterServices, path: Path) -> Path:
    """Photograph the whole graph of one project's tables."""
    with visiting(browser, services, width=1240, height=1500) as visit:
        page = visit.open(GRAPH, "100% filled", "snapshot")
        page.get_by_text("Hide navigation").click()
        for _ in range(_MOST_ZOOM_CLICKS):
            page.locator("button:has([aria-label='zoom_out'])").click()
            # In the smaller view the tables show as green fields: wait for those, not for a time.
            page.get_by_text("100% filled").first.wait_for(state="hidden")
            if all(_is_in_view(page, spec.key.path[-1]) for spec in project_specs()):
                break
        page.screenshot(path=path, animations="disabled")
    return path


def _is_in_view(page: Page, name: str) -> bool:
    found = page.get_by_text(name, exact=True)
    if not found.count():
        # The graph draws only what is in view.
        return False
    box = found.last.bounding_box()
    size = page.viewport_size
    return (
        box is not None
        and size is not None
        and _TOOLBAR_PIXELS < box["y"] < size["height"] - box["height"] * 3
    )


def photograph_report(browser: Browser, services: DagsterServices, run: str, path: Path) -> Path:
    """Photograph the fidelity report of a restore, as much of it as a page shows."""
    with visiting(browser, services, width=1300, height=1100) as visit:
        page = visit.open_markdown(run, "result")
        page.locator('img[src^="data:image/svg+xml"]').first.wait_for()
        box = page.get_by_role("dialog").first.bounding_box()
        assert box is not None
        visible = min(box["height"], 1100 - box["y"])
        page.screenshot(
            path=path,
            clip={"x": box["x"], "y": box["y"], "width": box["width"], "height": visible},
            animations="disabled",
        )
    return path


if __name__ == "__main__":
    for picture in make_pictures(DOCS):
        sys.stdout.write(f"{picture.relative_to(ROOT)}\n")
