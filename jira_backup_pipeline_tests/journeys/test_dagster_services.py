"""The services as `deploy/` ships them, on PostgreSQL: discovery, a backfill of all projects, a restore, and no secret anywhere."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.manifest import project_scope
from jira_backup_pipeline.orchestration.assets.specs import project_specs
from jira_backup_pipeline_tests.doubles.backed_site import backed_site
from jira_backup_pipeline_tests.doubles.canary import leaks_in, leaks_in_files
from jira_backup_pipeline_tests.doubles.dagster_services import ROOT, eventually, running_dagster
from jira_backup_pipeline_tests.programs import groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline_tests.doubles.backed_site import BackedSite
    from jira_backup_pipeline_tests.doubles.dagster_services import DagsterServices
    from jira_backup_pipeline_tests.programs import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedSite]:
    with backed_site(tmp_path_factory.mktemp("site"), projects=2, issues=30) as made:
        yield made


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory, site: BackedSite, postgres_server: PostgresServer
) -> Iterator[DagsterServices]:
    database = {
        "DAGSTER_PG_HOST": postgres_server.host,
        "DAGSTER_PG_PORT": str(postgres_server.port),
        "DAGSTER_PG_DATABASE": postgres_server.database,
        "DAGSTER_PG_USER": postgres_server.user,
        "DAGSTER_PG_PASSWORD": postgres_server.password,
    }
    with running_dagster(
        tmp_path_factory.mktemp("home"),
        code_environment=site.environment,
        instance_environment=database,
        instance_file=ROOT / "deploy" / "dagster.yaml",
    ) as running:
        yield running


def dump(server: PostgresServer) -> bytes:
    """Give everything that the database holds."""
    programs = groups()["postgres"].path
    assert programs is not None
    outcome = subprocess.run(
        [str(programs / "pg_dump"), "--inserts", server.database],
        env={
            "PATH": os.environ["PATH"],
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": server.user,
            "PGPASSWORD": server.password,
        },
        capture_output=True,
        check=True,
        timeout=60,
    )
    return outcome.stdout


def discovered(services: DagsterServices) -> list[str]:
    """Wait until the discovery sensor has made its partitions; after a listing that failed it rests for minutes."""
    found: list[str] = eventually(services.partitions, seconds=90, what="the discovery sensor's partitions")
    return found


@pytest.fixture
def expired_token(site: BackedSite, services: DagsterServices) -> Iterator[str]:
    """A token that Jira accepts no more, while the test runs; the other stories of this module need it."""
    discovered(services)
    site.sandbox.edits.expire_token()
    yield site.sandbox.token
    site.sandbox.edits.renew_token()


def test_projects_are_discovered_backed_up_lost_and_restored_and_no_secret_is_left_behind(
    site: BackedSite, services: DagsterServices, postgres_server: PostgresServer
) -> None:
    """One long story, because its steps build on one another and starting the services is what takes time."""
    keys = {project.key: project.project_id for project in site.sandbox.site.projects.values()}
    found = discovered(services)
    assert sorted(found) == sorted(keys)
    assert services.wait_for_run(services.launch("site_backup_job", {})) == "SUCCESS"

    backfill = services.backfill([list(spec.key.path) for spec in project_specs()], found)
    assert services.wait_for_backfill(backfill) == "COMPLETED_SUCCESS"
    for project_id in keys.values():
        newest = site.repository().latest(project_scope(project_id))
        assert newest is not None
        assert newest.counts["issues"] > 0
        assert newest.site_snapshot is not None

    lost = found[0]
    before = len(site.sandbox.site.issues)
    site.sandbox.edits.delete_project(lost, permanent=True)
    dry = services.launch("restore_job", {"source_project": lost})
    assert services.wait_for_run(dry) == "SUCCESS"
    assert len(site.sandbox.site.issues) < before
    real = services.launch("restore_job", {"source_project": lost, "dry_run": False, "confirm": lost})
    assert services.wait_for_run(real) == "SUCCESS"
    assert len(site.sandbox.site.issues) == before

    secrets = {
        "token": site.sandbox.token,
        "identity": site.identity_secret,
        "email": str(site.sandbox.email),
    }
    assert leaks_in_files(services.home, secrets) == []
    assert leaks_in(dump(postgres_server), secrets) == []
    for run in (dry, real):
        assert leaks_in(str(services.events(run)).encode(), secrets) == []
    assert leaks_in(str(services.launchpad("restore_job")).encode(), secrets) == []


def test_a_wrong_token_shows_its_hint_and_not_itself(
    services: DagsterServices, expired_token: str, postgres_server: PostgresServer
) -> None:
    run = services.launch("site_backup_job", {})

    assert services.wait_for_run(run) == "FAILURE"
    assert "HINT:" in str(services.events(run))
    assert leaks_in(dump(postgres_server), {"token": expired_token}) == []
    assert leaks_in_files(services.home, {"token": expired_token}) == []
