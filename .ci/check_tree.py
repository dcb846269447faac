"""Rules for every file of the repository that no linter knows: nothing of one machine, no leftovers, no download addresses.

What belongs here: plain text rules over all tracked files, each with its reason. What stays out: rules about Python code
(ruff, mypy, import-linter in `pyproject.toml`) and about modules and documents (`jira_backup_pipeline_tests/test_architecture.py`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A path of at least two parts is nobody's ordinary word.
_TELLING_PARTS = 3
_MARKERS = ("TO" + "DO", "FIX" + "ME", "X" * 3)


def rules() -> dict[str, re.Pattern[str]]:
    """Give what no line may contain; machine paths are those of the machine that checks."""
    folders = [path for path in (ROOT, Path.home(), Path(tempfile.gettempdir())) if str(path) != "/"]
    telling = [
        re.escape(str(path))
        + ("" if len(path.parts) >= _TELLING_PARTS else "/")
        + r"(?![\w-])|"
        + re.escape(str(path))
        + "/"
        for path in folders
    ]
    homes = r"(?<![\w.:/])/(?:home|Users)/[a-z]"
    return {
        "a path of one machine": re.compile("|".join([*telling, homes])),
        "a package registry's address": re.compile(
            r"\bpypi\." + r"org\b|python" + r"hosted\.", re.IGNORECASE
        ),
        # In rich text the first of these is a state of a task: only what stands as a note to oneself counts.
        "a leftover marker": re.compile(
            r"(?:#|//|<!--)\s*(?:" + "|".join(_MARKERS) + r")\b|\b(?:" + "|".join(_MARKERS) + r")[:(]"
        ),
        "a merge conflict": re.compile(r"^(?:<{7}|>{7}) "),
    }


def tracked_files() -> list[Path]:
    """Give every file that is or would be committed; without git, every file outside of ignored folders."""
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command
            ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git of the PATH
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        found = [path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.parts)]
    else:
        found = [ROOT / name.decode() for name in answer.stdout.split(b"\0") if name]
    return [path for path in found if path.is_file()]


def findings() -> list[str]:
    """Check every line of every text file, and that constraints are plain pins."""
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        place = path.relative_to(ROOT)
        found += [
            f"{place}:{number}: {name}"
            for number, line in enumerate(lines, start=1)
            for name, pattern in rules_of_tree.items()
            if pattern.search(line)
        ]
        if path.name == "constraints.txt":
            plain = re.compile(r"#.*|[A-Za-z0-9._-]+==[^\s@/]+")
            found += [
                f"{place}:{n}: not a plain pin"
                for n, line in enumerate(lines, 1)
                if not plain.fullmatch(line)
            ]
    return found


rules_of_tree = rules()

if __name__ == "__main__":
    problems = findings()
    sys.stdout.writelines(problem + "\n" for problem in problems)
    sys.exit(1 if problems else 0)
