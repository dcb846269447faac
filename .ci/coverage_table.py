"""README's coverage table, made from the catalogue: `coverage_table.py` rewrites it, `--check` fails when it is stale.

What belongs here: turning `domain.kinds` into Markdown between the two markers of README.md. What stays out: any fact about a
kind; those are in the catalogue.
"""

from __future__ import annotations

import sys
from pathlib import Path

from jira_backup_pipeline.domain.kinds import KINDS, Kind, Level

README = Path(__file__).resolve().parent.parent / "README.md"
_BEGIN, _END = "<!-- coverage: made from the catalogue -->", "<!-- end of coverage -->"
_SCOPES = {Level.SITE: "site", Level.PROJECT: "project", Level.ISSUE: "project, with its issue"}


def table() -> str:
    """Give the table as Markdown."""
    rows = [
        f"| {kind.title} | `{kind.table}` | {_SCOPES[kind.level]} | {_may_be_missing(kind)} "
        f"| {'yes' if kind.is_restorable else 'no'} "
        f"| {kind.restore_note or 'as it was; the id is new'} |"
        for kind in KINDS
    ]
    head = [
        "| what | table | captured with the | missing is accepted where Jira answers | restored | how, or why not |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows])


def _may_be_missing(kind: Kind) -> str:
    statuses = [str(status) for status in sorted(kind.optional_statuses)]
    return ", ".join([*statuses, *(["404 for every issue"] if kind.may_be_unlisted else [])]) or "-"


def main() -> int:
    """Rewrite or check the README."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    if not rest or not after:
        sys.stderr.write(f"README.md lacks the lines {_BEGIN} and {_END}\n")
        return 1
    fresh = f"{before}{_BEGIN}\n\n{table()}\n\n{_END}{after}"
    if "--check" in sys.argv[1:]:
        if fresh != text:
            sys.stderr.write("README's coverage table is stale\nHINT: Run `python .ci/coverage_table.py`.\n")
        return int(fresh != text)
    README.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
