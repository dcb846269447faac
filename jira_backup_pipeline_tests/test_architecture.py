"""The house rules that can be checked: layers, charters, sizes, names, and documents that name what exists."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ROOT / "jira_backup_pipeline"
TESTS = ROOT / "jira_backup_pipeline_tests"
MOST_LINES = 500
DRAWER_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "DECISIONS.md",
    "PRIVACY.md",
    "benchmarks/README.md",
    "deploy/README.md",
)


def python_files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=named(path))


def test_rooms_import_downwards_and_libraries_stay_in_their_room() -> None:
    outcome = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "0 broken" in outcome.stdout


def test_the_tree_keeps_the_rules_for_every_file() -> None:
    outcome = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "check_tree.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (outcome.returncode, outcome.stdout) == (0, ""), outcome.stdout + outcome.stderr


def test_no_module_is_longer_than_it_may_be() -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in python_files(PRODUCT, TESTS)}

    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_every_module_opens_with_its_charter() -> None:
    without = []
    for path in python_files(PRODUCT):
        charter = re.sub(r"\s+", " ", ast.get_docstring(tree_of(path)) or "").lower()
        is_map = path.name in {"__init__.py", "__main__.py"}
        says_both = "belongs here" in charter and re.search(r"stays? out|not here|keep out", charter)
        if not charter or not (is_map or says_both):
            without.append(named(path))

    assert without == []


def test_every_test_module_opens_with_a_sentence() -> None:
    without = [
        named(path)
        for path in python_files(TESTS)
        if not (ast.get_docstring(tree_of(path)) or "").rstrip().endswith(".")
    ]

    assert without == []


def test_package_files_hold_only_their_docstring() -> None:
    """The top package is the exception: it loads `open_snapshot` on first use and states the version."""
    with_code = [
        named(path)
        for path in python_files(PRODUCT, TESTS)
        if path.name == "__init__.py" and path.parent != PRODUCT and len(tree_of(path).body) != 1
    ]

    assert with_code == []


def test_no_module_is_a_drawer() -> None:
    drawers = [named(path) for path in python_files(PRODUCT, TESTS) if path.stem.lower() in DRAWER_NAMES]
    drawers += [
        named(path)
        for path in [*PRODUCT.rglob("*"), *TESTS.rglob("*")]
        if path.is_dir() and path.name.lower() in DRAWER_NAMES
    ]

    assert drawers == []


def test_only_the_settings_read_the_environment() -> None:
    """The sandbox is a program of its own and may read its own."""
    readers = set()
    for path in python_files(PRODUCT):
        if path == PRODUCT / "settings.py" or path.is_relative_to(PRODUCT / "sandbox"):
            continue
        for node in ast.walk(tree_of(path)):
            is_os = (
                isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
            )
            is_import = isinstance(node, ast.ImportFrom) and node.module == "os"
            if (is_os and node.attr in {"environ", "environb", "getenv", "putenv"}) or (
                is_import and {"environ", "getenv"} & {alias.name for alias in node.names}
            ):
                readers.add(named(path))

    assert set() == readers


def test_no_failure_is_swallowed() -> None:
    """Catching everything and doing nothing hides what happened; one named error may be an ordinary answer."""
    silent = [
        f"{named(path)}:{node.lineno}"
        for path in python_files(PRODUCT)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(line, ast.Pass) for line in node.body)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]

    assert silent == []


def test_importing_the_package_is_light_and_reads_nothing(tmp_path: Path) -> None:
    """`import jira_backup_pipeline` loads neither pyarrow nor Dagster, whatever the environment says."""
    program = (
        "import sys, jira_backup_pipeline;"
        "print(sorted({'pyarrow', 'dagster', 'boto3', 'duckdb', 'pyrage', 'requests'} & set(sys.modules)))"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "BACKUP_LOG": "nonsense", "BACKUP_URI": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (outcome.returncode, outcome.stdout.strip()) == (0, "[]"), outcome.stderr


@pytest.mark.parametrize("document", DOCUMENTS)
def test_documents_name_paths_that_exist(document: str) -> None:
    path = ROOT / document
    if not path.exists():
        pytest.skip(f"{document} is not written yet")
    text = path.read_text(encoding="utf-8")
    named_paths = set(
        re.findall(r"`((?:jira_backup_pipeline(?:_tests)?|benchmarks|deploy|\.ci)/[\w./-]+)`", text)
    )
    named_paths |= set(re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text))

    missing = sorted(
        name for name in named_paths if not ((ROOT / name).exists() or (path.parent / name).exists())
    )

    assert missing == []
