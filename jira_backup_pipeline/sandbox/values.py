"""Field values: how each kind of field is read from a request, shown in an answer and told in the history.

What belongs here: one codec for each kind, in ``CODECS``, with Jira's words for a value that a field does not
take.

What stays out: what a codec is (``codec``), accounts, groups and teams (``people_values``), which fields exist
(``seed.field_catalogue``), what an edit does with the values (``changes``), and fields that are computed from
other parts of an issue (``rendering``).
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from jira_backup_pipeline.sandbox import adf
from jira_backup_pipeline.sandbox import people_values as people
from jira_backup_pipeline.sandbox import reference_rendering as show
from jira_backup_pipeline.sandbox.clock import iso_text, parse_iso
from jira_backup_pipeline.sandbox.codec import Codec, Place, ValueProblem
from jira_backup_pipeline.sandbox.setup import schemes
from jira_backup_pipeline.sandbox.setup.fields import is_open

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import Json
    from jira_backup_pipeline.sandbox.model import FieldOption
    from jira_backup_pipeline.sandbox.site import Site


def _same(_: Site, value: Json) -> Json:
    return value


def _text(place: Place, value: Json) -> str:
    if not isinstance(value, str):
        raise ValueProblem("Operation value must be a string")
    if len(value) > 255:
        raise ValueProblem(f"{place.field.name} must be less than or equal to 255 characters")
    if place.field.field_id == "summary":
        if "\n" in value or "\r" in value:
            raise ValueProblem("The summary is invalid because it contains newline characters.")
        if not value.strip():
            raise ValueProblem("You must specify a summary of the issue.")
    return value


def _describe_text(_: Site, value: Json) -> tuple[str | None, str | None]:
    return None, None if value is None else str(value)


def _document(place: Place, value: Json) -> Json:
    trouble = adf.problem(value, place.site.refused_nodes)
    if trouble:
        raise ValueProblem(trouble)
    return value


def _describe_document(_: Site, value: Json) -> tuple[str | None, str | None]:
    return None, adf.plain_text(value) if value else None


def _number(_: Place, value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueProblem("Operation value must be a number")
    return float(value)


def _show_number(_: Site, value: Json) -> Json:
    return value


def _date(_: Place, value: Json) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueProblem("Error parsing date string: " + str(value)) from None


def _datetime(_: Place, value: Json) -> int:
    try:
        return parse_iso(str(value))
    except ValueError:
        raise ValueProblem("Operation value must be a datetime") from None


def _show_datetime(site: Site, value: Json) -> Json:
    return None if value is None else iso_text(value, site.time_zone)


def _describe_datetime(site: Site, value: Json) -> tuple[str | None, str | None]:
    text = _show_datetime(site, value)
    return text, text


def _labels(place: Place, value: Json) -> list[str]:
    items = _list(place, value)
    for item in items:
        if not isinstance(item, str) or not item:
            raise ValueProblem("string expected at index 0")
        if re.search(r"\s", item):
            raise ValueProblem(f"The label '{item}' contains spaces which is invalid.")
        if len(item) > 255:
            raise ValueProblem(f"The label '{item}' exceeds the maximum length of 255 characters.")
    return list(dict.fromkeys(items))


def _describe_labels(_: Site, value: Json) -> tuple[str | None, str | None]:
    return None, " ".join(value or [])


def _list(_: Place, value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueProblem("data was not an array")
    return value


def _find_option(place: Place, value: Json, parent_id: int | None = None) -> FieldOption:
    if not isinstance(value, dict):
        raise ValueProblem("Could not find valid 'id' or 'value' in the Parent Option object.")
    for item in place.site.options_of(place.field.field_id, parent_id):
        if not is_open(place.site, item, place.project):
            continue
        if str(item.option_id) == str(value.get("id", "")) or (
            "id" not in value and item.value == value.get("value")
        ):
            if item.disabled:
                raise ValueProblem(f"Option '{item.value}' is disabled.")
            return item
    if "id" in value:
        raise ValueProblem(f"Option id '{value['id']}' is not valid")
    raise ValueProblem(f"Option value '{value.get('value')}' is not valid")


def _option(place: Place, value: Json) -> int:
    return _find_option(place, value).option_id


def _show_option(site: Site, value: Json) -> Json:
    item = site.options.get(value) if value is not None else None
    return None if item is None else show.fragment(site, "option", item.option_id, lambda: show.option(item))


def _describe_option(site: Site, value: Json) -> tuple[str | None, str | None]:
    item = site.options.get(value) if value is not None else None
    return (None, None) if item is None else (str(item.option_id), item.value)


def _options(place: Place, value: Json) -> list[int]:
    return [_find_option(place, item).option_id for item in _list(place, value)]


def _show_options(site: Site, value: Json) -> Json:
    return None if not value else [_show_option(site, item) for item in value]


def _describe_options(site: Site, value: Json) -> tuple[str | None, str | None]:
    found = [site.options[item] for item in value or [] if item in site.options]
    if not found:
        return None, None
    return f"[{', '.join(str(o.option_id) for o in found)}]", ",".join(o.value for o in found)


def _cascade(place: Place, value: Json) -> list[int]:
    parent = _find_option(place, value)
    child = value.get("child")
    return [parent.option_id] + ([_find_option(place, child, parent.option_id).option_id] if child else [])


def _show_cascade(site: Site, value: Json) -> Json:
    if not value:
        return None
    shown = show.option(site.options[value[0]])
    if len(value) > 1:
        shown["child"] = show.option(site.options[value[1]])
    return shown


def _describe_cascade(site: Site, value: Json) -> tuple[str | None, str | None]:
    if not value:
        return None, None
    names = [site.options[item].value for item in value]
    text = f"Parent values: {names[0]}({value[0]})"
    if len(value) > 1:
        text += f"Level 1 values: {names[1]}({value[1]})"
    return None, text


def _version(place: Place, value: Json) -> int:
    for item in place.site.versions_of(place.project.project_id):
        if isinstance(value, dict) and (
            str(item.version_id) == str(value.get("id", ""))
            or ("id" not in value and item.name == value.get("name"))
        ):
            return item.version_id
    name = value.get("name", value.get("id")) if isinstance(value, dict) else value
    raise ValueProblem(f"Version name '{name}' is not valid")


def _show_version(site: Site, value: Json) -> Json:
    item = site.versions.get(value) if value is not None else None
    return (
        None if item is None else show.fragment(site, "version", item.version_id, lambda: show.version(item))
    )


def _versions(place: Place, value: Json) -> list[int]:
    return [_version(place, item) for item in _list(place, value)]


def _show_versions(site: Site, value: Json) -> Json:
    return [shown for item in value or [] if (shown := _show_version(site, item)) is not None]


def _describe_version(site: Site, value: Json) -> tuple[str | None, str | None]:
    item = site.versions.get(value) if value is not None else None
    return (None, None) if item is None else (str(item.version_id), item.name)


def _describe_versions(site: Site, value: Json) -> tuple[str | None, str | None]:
    found = [site.versions[item] for item in value or [] if item in site.versions]
    if not found:
        return None, None
    return ",".join(str(v.version_id) for v in found), ",".join(v.name for v in found)


def _components(place: Place, value: Json) -> list[int]:
    found: list[int] = []
    known = place.site.components_of(place.project.project_id)
    for item in _list(place, value):
        wanted = item if isinstance(item, dict) else {}
        match = [c for c in known if str(c.component_id) == str(wanted.get("id", ""))]
        if not match and "id" not in wanted:
            match = [c for c in known if c.name == wanted.get("name")]
        if not match:
            raise ValueProblem(f"Component name '{wanted.get('name', wanted.get('id'))}' is not valid")
        found.append(match[0].component_id)
    return found


def _show_components(site: Site, value: Json) -> Json:
    found = [site.components[item] for item in value or [] if item in site.components]
    return [show.component(site, item) for item in found]


def _describe_components(site: Site, value: Json) -> tuple[str | None, str | None]:
    found = [site.components[item] for item in value or [] if item in site.components]
    if not found:
        return None, None
    return ",".join(str(c.component_id) for c in found), ",".join(c.name for c in found)


def _priority(place: Place, value: Json) -> str:
    wanted = value if isinstance(value, dict) else {}
    for item in place.site.priorities.values():
        if item.item_id == str(wanted.get("id", "")) or (
            "id" not in wanted and item.name == wanted.get("name")
        ):
            return item.item_id
    raise ValueProblem("The priority selected is invalid.")


def _show_priority(site: Site, value: Json) -> Json:
    item = site.priorities.get(value)
    return None if item is None else show.fragment(site, "priority", value, lambda: show.priority(item))


def _describe_priority(site: Site, value: Json) -> tuple[str | None, str | None]:
    item = site.priorities.get(value)
    return (None, None) if item is None else (item.item_id, item.name)


def _resolution(place: Place, value: Json) -> str:
    wanted = value if isinstance(value, dict) else {}
    for item in place.site.resolutions.values():
        if item.item_id == str(wanted.get("id", "")) or (
            "id" not in wanted and item.name == wanted.get("name")
        ):
            return item.item_id
    raise ValueProblem("The resolution selected is invalid.")


def _show_resolution(site: Site, value: Json) -> Json:
    item = site.resolutions.get(value)
    return None if item is None else show.fragment(site, "resolution", value, lambda: show.resolution(item))


def _describe_resolution(site: Site, value: Json) -> tuple[str | None, str | None]:
    item = site.resolutions.get(value)
    return (None, None) if item is None else (item.item_id, item.name)


def _level(place: Place, value: Json) -> str:
    """A level of the security scheme that the project follows."""
    wanted = value if isinstance(value, dict) else {}
    scheme_id = schemes.follows(place.site, place.project, "security_scheme")
    for level in schemes.security_levels(place.site):
        is_meant = level["id"] == str(wanted.get("id", "")) or (
            "id" not in wanted and level["name"] == wanted.get("name")
        )
        if is_meant and level["issueSecuritySchemeId"] == scheme_id:
            return str(level["id"])
    raise ValueProblem("The security level selected is invalid.")


def _show_level(site: Site, value: Json) -> Json:
    found = next((level for level in schemes.security_levels(site) if level["id"] == value), None)
    if found is None:
        return None
    return {"self": f"{show.API}/securitylevel/{value}"} | {
        name: found[name] for name in ("id", "description", "name")
    }


def _describe_level(site: Site, value: Json) -> tuple[str | None, str | None]:
    found = _show_level(site, value)
    return (None, None) if found is None else (str(found["id"]), str(found["name"]))


def _project(place: Place, value: Json) -> int:
    wanted = value if isinstance(value, dict) else {}
    found = place.site.find_project(str(wanted.get("id", wanted.get("key", ""))))
    if found is None:
        raise ValueProblem("Project does not exist.")
    return found.project_id


def _show_project(site: Site, value: Json) -> Json:
    found = site.projects.get(value) if value is not None else None
    return None if found is None else show.project_brief(site, found)


def _describe_project(site: Site, value: Json) -> tuple[str | None, str | None]:
    found = site.projects.get(value) if value is not None else None
    return (None, None) if found is None else (str(found.project_id), found.name)


def _sprint(place: Place, value: Json) -> list[int]:
    number = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(number, str) and number.isdigit():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueProblem("Number value expected as the Sprint id.")
    found = place.site.sprints.get(number)
    if found is None:
        raise ValueProblem(f"Sprint with id {number} does not exist.")
    if found.state == "closed":
        raise ValueProblem("Issue cannot be assigned to a closed sprint.")
    return [number]


def _show_sprints(site: Site, value: Json) -> Json:
    found = [site.sprints[item] for item in value or [] if item in site.sprints]
    return [show.sprint_value(item) for item in found] or None


def _describe_sprints(site: Site, value: Json) -> tuple[str | None, str | None]:
    found = [site.sprints[item] for item in value or [] if item in site.sprints]
    return ", ".join(str(s.sprint_id) for s in found), ", ".join(s.name for s in found)


def _url(_: Place, value: Json) -> str:
    if not isinstance(value, str) or not re.match(r"^[a-zA-Z][a-zA-Z0-9+.-]*:", value):
        raise ValueProblem("Not a valid URL")
    return value


def _read_only(place: Place, value: Json) -> Json:
    del value
    raise ValueProblem(
        f"Field '{place.field.field_id}' cannot be set. It is not on the appropriate screen, or unknown."
    )


def _rank(place: Place, value: Json) -> Json:
    return _read_only(place, value)


def _anything(_: Place, value: Json) -> Json:
    return value


def _describe_json(_: Site, value: Json) -> tuple[str | None, str | None]:
    return None, None if value is None else msgspec.json.encode(value).decode()


CODECS: dict[str, Codec] = {
    "textfield": Codec(_text, _same, _describe_text),
    "textarea": Codec(_document, _same, _describe_document),
    "float": Codec(_number, _show_number, _describe_text),
    "datepicker": Codec(_date, _same, _describe_text),
    "datetime": Codec(_datetime, _show_datetime, _describe_datetime),
    "labels": Codec(_labels, _same, _describe_labels, many=True),
    "select": Codec(_option, _show_option, _describe_option),
    "multiselect": Codec(_options, _show_options, _describe_options, many=True),
    "cascadingselect": Codec(_cascade, _show_cascade, _describe_cascade),
    "userpicker": Codec(people.user, people.show_user, people.describe_user),
    "multiuserpicker": Codec(people.users, people.show_users, people.describe_users, many=True),
    "version": Codec(_version, _show_version, _describe_version),
    "multiversion": Codec(_versions, _show_versions, _describe_versions, many=True),
    "components": Codec(_components, _show_components, _describe_components, many=True),
    "priority": Codec(_priority, _show_priority, _describe_priority),
    "resolution": Codec(_resolution, _show_resolution, _describe_resolution),
    "grouppicker": Codec(people.group, people.show_group, people.describe_group),
    "multigrouppicker": Codec(people.groups, people.show_groups, people.describe_groups, many=True),
    "team": Codec(people.team, people.show_team, people.describe_team),
    "importid": Codec(_read_only, _show_number, _describe_text),
    "securitylevel": Codec(_level, _show_level, _describe_level),
    "project": Codec(_project, _show_project, _describe_project),
    "sprint": Codec(_sprint, _show_sprints, _describe_sprints),
    "url": Codec(_url, _same, _describe_text),
    "rank": Codec(_rank, _same, _describe_text),
    "readonly": Codec(_read_only, _same, _describe_text),
    "anything": Codec(_anything, _same, _describe_json),
}
