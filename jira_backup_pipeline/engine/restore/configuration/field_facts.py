"""What there is to say of rules about fields: which are required, hidden, shown for which types, and described how.

What belongs here: the facts of field configurations, their schemes and field schemes, and the words for what one says of a
field.

What stays out: facts of everything else (`facts`), and writing rules (`field_configurations`, `field_schemes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.configuration.facts import Book

CUSTOM = "customfield_"
# The only ones that a call sets.
RENDERERS = frozenset({"text-renderer", "wiki-renderer"})
_DEFAULT = "default"
_THE_DEFAULT_ONE = "the default one"


def of_both(kind: str, wanted: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the target's side says as far as it can be held against the snapshot's.

    A field configuration has a word on every field of its site, so also on those that the snapshot does not know.
    """
    if kind != "field_configuration":
        return dict(present)
    return {name: fact for name, fact in present.items() if name in wanted or " " not in name}


def label_of(book: Book, field_id: str) -> str:
    """Name a field: custom ones by their names, Jira's own by their ids, which are the same everywhere; empty where it is not there."""
    if not field_id.startswith(CUSTOM):
        return field_id
    return book.name("field", field_id) if book.reaches("field", field_id) else ""


def configuration_facts(row: Record, book: Book) -> dict[str, Any]:
    """Say what a field configuration says of each field. The default one is known without a name."""
    found: dict[str, Any] = {}
    for item in book.rows("field_configuration_item"):
        label = label_of(book, own_id(item)) if item.id.split("/")[0] == own_id(row) else ""
        if label:
            members = members_of(item)
            found[f"field {label}"] = rule_words(members)
            if members.get("renderer") in RENDERERS and members.get("isHidden") is not True:
                found[f"renderer of {label}"] = members["renderer"]
    unnamed = {"name": None, "description": None} if members_of(row).get("isDefault") is True else {}
    return {**found, **unnamed}


def rule_words(item: Mapping[str, Any]) -> str:
    """Say what a field configuration says of one field, but for the renderer."""
    if item.get("isHidden") is True:
        return "hidden"
    return _words(item)


def _words(rule: Mapping[str, Any]) -> str:
    words = "required" if rule.get("isRequired") is True else "optional"
    return f"{words}, described as {rule['description']}" if rule.get("description") else words


def configuration_scheme_facts(row: Record, book: Book) -> dict[str, Any]:
    """Say which field configuration each type has; without a word it is the default one."""
    found = {f"type {_DEFAULT}": _THE_DEFAULT_ONE}
    for item in book.rows("field_configuration_scheme_item"):
        members = members_of(item)
        if str(members.get("fieldConfigurationSchemeId")) != own_id(row):
            continue
        type_id = str(members.get("issueTypeId"))
        if type_id != _DEFAULT and not book.reaches("issue_type", type_id):
            continue
        name = _DEFAULT if type_id == _DEFAULT else book.name("issue_type", type_id)
        found[f"type {name}"] = _configuration_name(book, str(members.get("fieldConfigurationId")))
    return found


def _configuration_name(book: Book, configuration_id: str) -> str:
    record = book.record("field_configuration", configuration_id)
    if record is not None and members_of(record).get("isDefault") is True:
        return _THE_DEFAULT_ONE
    return book.name("field_configuration", configuration_id)


def scheme_facts(row: Record, book: Book) -> dict[str, Any]:
    """Say which fields a field scheme has, for which types, and what it says of each."""
    found = {}
    for item in book.rows("field_scheme_item"):
        label = label_of(book, own_id(item)) if item.id.split("/")[0] == own_id(row) else ""
        if label:
            found[f"field {label}"] = scheme_rule_words(
                members_of(item),
                lambda type_id: (
                    book.name("issue_type", type_id) if book.reaches("issue_type", type_id) else ""
                ),
            )
    return found


def scheme_rule_words(item: Mapping[str, Any], type_name: Callable[[str], str]) -> str:
    """Say what a field scheme says of one field; `type_name` gives "" for types that are not on the target."""
    rule = item.get("parameters") or {}
    words = [_words(rule)]
    only = sorted(filter(None, (type_name(str(one)) for one in item.get("restrictedToWorkTypes") or [])))
    if only:
        words.append(f"only for {', '.join(only)}")
    of_types = {
        type_name(str(one.get("workTypeId"))): _words(overridden(rule, one))
        for one in item.get("workTypeParameters") or []
    }
    words += [f"{name}: {said}" for name, said in sorted(of_types.items()) if name and said != words[0]]
    return "; ".join(words)


def overridden(rule: Mapping[str, Any], of_type: Mapping[str, Any]) -> dict[str, Any]:
    """Give what holds for a type: what is not said for it is as for all."""
    said = {name: of_type[name] for name in ("isRequired", "description") if of_type.get(name) is not None}
    return {**rule, **said}
