"""Who and what stands in on the target for what the snapshot names: the content of a mapping file as a value.

What belongs here: the sections, looking a name up, and whether what is named exists on the target.

What stays out: reading the file (`mapping_file`), finding accounts (`people`), and matching without a mapping (`matching`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from jira_backup_pipeline.engine.restore.planned_lines import Conflict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from jira_backup_pipeline.engine.restore.matching import Matches

# Each section with what its two sides name.
SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "people": "account ids or e-mail addresses",
        "fields": "ids or names of fields",
        "issue_types": "names of issue types",
        "statuses": "names of statuses",
        "priorities": "names of priorities",
        "resolutions": "names of resolutions",
        "link_types": "names of link types",
        "roles": "names of project roles",
    }
)


@dataclass(frozen=True, slots=True)
class StandIns:
    """By section, what stands in on the target for a name or id of the snapshot; and who does for unknown people."""

    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    fallback_person: str = ""

    def of(self, section: str, *names: str | None) -> str | None:
        """Give what stands in for something that has these names; None where the mapping is silent."""
        entries = self.sections.get(section)
        if not entries:
            return None
        wanted = {same for name in names if name and (same := _plain(name))}
        return next((target for source, target in entries.items() if _plain(source) in wanted), None)

    def name(self, section: str, name: str) -> str:
        """Give the name on the target: the stand-in's, else the same."""
        return self.of(section, name) or name

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form, which is that of the file."""
        sections = {name: dict(entries) for name, entries in self.sections.items() if entries}
        return {"fallback_person": self.fallback_person, **sections}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        sections = {name: dict(document[name]) for name in SECTIONS if document.get(name)}
        return cls(sections, str(document.get("fallback_person") or ""))


def _plain(name: str) -> str:
    return name.strip().casefold()


def missing_stand_ins(
    stand_ins: StandIns, matches: Matches, used: Mapping[str, Collection[str]]
) -> Iterator[Conflict]:
    """Name everything that the mapping sends somewhere where nothing is: a slip there must not write elsewhere.

    One file serves all projects: types and statuses, which are a project's own, are checked where its issues have them
    (`used`, names by section).
    """
    site, project = matches.site, matches.project
    types = project.types if project is not None else site.types
    known: dict[str, Iterable[str]] = {
        "fields": (name for found in site.fields.values() for name in (found.id, found.name)),
        "issue_types": (found.name for found in types),
        "priorities": (found.name for found in site.priorities),
        "resolutions": (found.name for found in site.resolutions),
        "link_types": (found.name for found in site.link_types),
        "roles": (found.name for found in site.roles),
    }
    if project is not None:
        known["statuses"] = (status.name for found in project.statuses.values() for status in found)
    for section, names in known.items():
        present = {_plain(name) for name in names}
        own = {_plain(name) for name in used[section]} if section in used else None
        for source, target in sorted(stand_ins.sections.get(section, {}).items()):
            if own is not None and _plain(source) not in own:
                continue
            if _plain(target) not in present:
                yield missing_stand_in(section, source, target)


def missing_stand_in(section: str, source: str, target: str) -> Conflict:
    """Say that the mapping leads to something that is not there."""
    return Conflict(
        "mapping",
        f"[{section}] {source}",
        f"the target has no {target!r}",
        "Correct the mapping file, or make it on the target.",
        is_blocking=True,
    )
