"""Pages of lists: ``startAt``, ``maxResults``, ``total``, ``isLast`` around the values.

What belongs here: the window that a request asks for, and the platform API's page bean with its next address.

What stays out: pages with another shape around them (the handler's own), and pages by token (``jql.search``,
``changelogs``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from jira_backup_pipeline.sandbox.http import SELF_BASE, Call, Json, JsonObject, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")


def window(call: Call, items: Sequence[Item], *, default: int, maximum: int) -> tuple[int, int, list[Item]]:
    """The slice a request asks for: start, size and the items."""
    start = max(0, call.request.integer("startAt", 0))
    size = call.request.integer("maxResults", default)
    size = maximum if size < 0 else min(size, maximum)
    # A switch for what the documents allow everywhere: fewer things on a page than were asked for.
    size = min(size, call.site.settings.list_page_limit or size)
    return start, size, list(items[start : start + size])


def page(
    call: Call,
    items: Sequence[Item],
    show: Callable[[Item], Json],
    *,
    default: int = 50,
    maximum: int = 50,
    links: bool = True,
) -> Response:
    """A page bean of the platform API."""
    start, size, shown = window(call, items, default=default, maximum=maximum)
    last = start + len(shown) >= len(items)
    value: JsonObject = {}
    if links:
        value["self"] = _address(call, start, size)
        if not last:
            value["nextPage"] = _address(call, start + size, size)
    value |= {"maxResults": size, "startAt": start, "total": len(items), "isLast": last}
    value["values"] = [show(item) for item in shown]
    return json_response(value)


def _address(call: Call, start: int, size: int) -> str:
    kept = [(key, value) for key, value in call.request.query if key not in {"startAt", "maxResults"}]
    return f"{SELF_BASE}{call.request.path}?{urlencode([*kept, ('maxResults', size), ('startAt', start)])}"
