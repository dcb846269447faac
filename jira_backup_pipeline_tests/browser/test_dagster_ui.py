"""The UI shows what a user needs to back up and restore, works without the internet, and hides every secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from jira_backup_pipeline.orchestration.assets.specs import project_specs
from jira_backup_pipeline.orchestration.checks import in_run_specs
from jira_backup_pipeline_tests.browser.pages import (
    CHECKS,
    GRAPH,
    LAUNCHPAD,
    PARTITIONS,
    SLOW_MACHINE_MS,
    Visit,
    back_up_everything,
    browsing,
    visiting,
)
from jira_backup_pipeline_tests.doubles.backed_site import backed_site
from jira_backup_pipeline_tests.doubles.canary import leaks_in, leaks_in_files
from jira_backup_pipeline_tests.doubles.dagster_services import running_dagster

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

    from jira_backup_pipeline_tests.doubles.backed_site import BackedSite
    from jira_backup_pipeline_tests.doubles.dagster_services import DagsterServices

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedSite]:
    with backed_site(tmp_path_factory.mktemp("site"), projects=2, issues=20, has_vault=True) as made:
        yield made


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, site: BackedSite) -> Iterator[DagsterServices]:
    with running_dagster(tmp_path_factory.mktemp("home"), code_environment=site.environment) as running:
        yield running


@pytest.fixture(scope="module")
def keys(services: DagsterServices) -> Sequence[str]:
    return back_up_everything(services)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, services: DagsterServices, keys: Sequence[str]) -> Iterator[Visit]:
    """A fresh profile; whatever a test does, nothing may leave the machine and no page may break."""
    assert keys
    with visiting(browser, services) as made:
        yield made
        assert made.strangers == []
        assert made.errors == []


def test_the_graph_leads_from_the_tables_to_the_snapshot(visit: Visit, keys: Sequence[str]) -> None:
    page = visit.open(GRAPH, "snapshot", "issues", "100% filled")

    shown = page.inner_text("body")
    assert f"{len(keys)} partitions" in shown
    checks = len(in_run_specs(project_specs()[-1].key, None))
    assert f"{checks} / {checks} Passed" in shown


def test_a_partition_shows_the_ledger_of_its_newest_snapshot(visit: Visit, keys: Sequence[str]) -> None:
    page = visit.open(PARTITIONS, *keys)

    page.get_by_text(keys[0], exact=True).first.click()
    page.get_by_text("ledger").first.wait_for()

    shown = page.inner_text("body")
    for word in ("state", "complete", "expected", "stored", "requests_total", "written_bytes"):
        assert word in shown


def test_the_backfill_dialog_offers_every_project(visit: Visit, keys: Sequence[str]) -> None:
    page = visit.open(GRAPH, "snapshot", "100% filled")

    page.get_by_role("button", name="Materialize all").first.click()
    page.get_by_text(f"Launch runs to materialize {len(project_specs())} assets").wait_for()
    page.get_by_text("All", exact=True).click()
    page.get_by_text(f"{len(keys)} partitions", exact=True).last.wait_for()

    # The dialog asks the server once more before it lets anybody press the button.
    expect(page.get_by_role("button", name="Launch backfill")).to_be_enabled(timeout=SLOW_MACHINE_MS)


def test_the_launchpad_of_a_restore_explains_its_fields_and_asks_for_what_is_missing(visit: Visit) -> None:
    page = visit.open(LAUNCHPAD, 'Missing required config entry "source_project"')

    shown = page.inner_text("body")
    assert "dry_run: true" in shown
    assert "snapshot: latest" in shown
    assert "policy: skip" in shown
    assert "For a real restore: repeat the key of the" in " ".join(shown.split())
    assert page.get_by_role("button", name="Launch Run").is_disabled()


def test_a_dry_run_launched_by_hand_ends_with_a_plan_to_read(
    visit: Visit, keys: Sequence[str], services: DagsterServices
) -> None:
    run = services.launch("restore_job", {"source_project": keys[0], "target_project": "ELSE"})
    assert services.wait_for_run(run) == "SUCCESS"

    page = visit.open_markdown(run, "plan")

    page.get_by_text(f"Restore of {keys[0]} into ELSE").first.wait_for()
    assert "Nothing has been written" in page.inner_text("body")


def test_a_restore_ends_with_a_fidelity_report_and_its_chart(
    visit: Visit, keys: Sequence[str], services: DagsterServices
) -> None:
    config = {"source_project": keys[0], "target_project": "BACK", "dry_run": False, "confirm": "BACK"}
    run = services.launch("restore_job", config)
    assert services.wait_for_run(run, seconds=240) == "SUCCESS"

    page = visit.open_markdown(run, "result")

    page.get_by_text(f"Fidelity of {keys[0]} in BACK").first.wait_for()
    picture = page.locator('img[src^="data:image/svg+xml"]').first
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") > 0


def test_the_roll_up_checks_say_in_words_how_all_projects_stand(
    visit: Visit, keys: Sequence[str], services: DagsterServices
) -> None:
    run = services.launch("health_checks_job", {})
    assert services.wait_for_run(run) == "SUCCESS"

    page = visit.open(CHECKS, "every_project_fresh", "every_project_verified")
    page.get_by_text("every_project_fresh").first.click()

    page.get_by_text(f"all {len(keys)} projects, 0 retired").first.wait_for()


def test_no_page_and_no_file_holds_a_secret(
    visit: Visit, site: BackedSite, services: DagsterServices, keys: Sequence[str]
) -> None:
    secrets = {
        "token": site.sandbox.token,
        "identity": site.identity_secret,
        "vault key": site.vault_key,
        "mail": str(site.sandbox.email),
    }

    for path in (
        LAUNCHPAD,
        GRAPH,
        f"/assets/jira/snapshot?partition={keys[0]}",
        "/deployment/config",
        "/runs",
    ):
        page = visit.open(path, "Catalog")
        page.wait_for_load_state("networkidle")
        assert leaks_in(page.content().encode(), secrets) == []
    assert leaks_in_files(services.home, secrets) == []
