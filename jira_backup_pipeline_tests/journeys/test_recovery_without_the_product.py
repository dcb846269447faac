"""The recovery recipe of FORMAT.md works as it is printed there, with `age`, Polars and the recovery identity alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import jira_backup_pipeline.repository
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline_tests.doubles.small_repository import (
    SCOPE,
    SmallRepository,
    example,
    issue_unit,
)

_FORMAT = Path(jira_backup_pipeline.repository.__file__).parent / "FORMAT.md"

pytestmark = pytest.mark.skipif(shutil.which("age") is None, reason="the program `age` is not installed")


def _recipe() -> str:
    section = _FORMAT.read_text("utf-8").partition("## 9. Recovery")[2]
    found = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def _recover(folder: Path, small: SmallRepository, scope: str) -> Path:
    """Run the recipe on the repository in `folder` as somebody who has only the recovery identity."""
    desk = folder.parent / f"desk-{scope}"
    desk.mkdir()
    (desk / "recover.sh").write_text(_recipe())
    (desk / "identity").write_text(small.recovery.secret + "\n")
    done = subprocess.run(
        ["sh", "recover.sh", str(folder), "identity", scope, "out"],
        cwd=desk,
        env={"PATH": os.environ["PATH"], "PYTHON": sys.executable, "POLARS_SKIP_CPU_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return desk / "out"


def test_the_recipe_uses_nothing_of_ours() -> None:
    assert "import jira_backup" not in _recipe()
    assert set(re.findall(r"^import (.*)$", _recipe(), re.MULTILINE)) == {
        "json, pathlib, sys",
        "base64, json, pathlib, sys",
        "polars as pl",
    }


def test_issues_and_attachments_come_back_with_age_and_polars(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    small = example(LocalStore(folder))

    out = _recover(folder, small, SCOPE)

    issues = pl.read_parquet(out / "tables" / "issue.parquet").sort("id")
    assert issues.select("id", "summary").rows() == [("1", "issue 1"), ("2", "changed")]
    assert issues["labels"].to_list() == [["red", "blue"], []]
    comments = pl.read_parquet(out / "tables" / "comment.parquet")
    assert sorted(comments["id"].to_list()) == ["1-0", "1-1", "2-0", "2-1", "2-2"]
    expected = small.repository.tables(small.repository.load(SCOPE, 2))["comments"].to_arrow()
    assert set(comments["raw"].to_list()) == set(expected["raw"].to_pylist())
    assert (out / "attachments" / "501").read_bytes() == b"bytes of a picture" * 50
    assert (out / "attachments" / "502").read_bytes() == b""


def test_the_site_comes_back_too(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    small = example(LocalStore(folder))

    out = _recover(folder, small, SITE_SCOPE)

    assert pl.read_parquet(out / "tables" / "person.parquet")["display_name"].to_list() == ["Person 01"]


def test_several_epochs_and_changed_recipients_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    small = example(LocalStore(folder))
    small.repository.rotate(SCOPE)
    small.snapshot([issue_unit("4")])
    newcomer = SmallRepository().operator
    small.repository.add_recipient(newcomer.recipient, name="second operator")

    out = _recover(folder, small, SCOPE)

    assert sorted(pl.read_parquet(out / "tables" / "issue.parquet")["id"].to_list()) == ["1", "2", "4"]
    assert sorted(path.name for path in (out / "keys").iterdir()) == ["0001.json", "0002.json"]
    assert (out / "attachments" / "501").read_bytes() == b"bytes of a picture" * 50
