"""Everything that talks to Jira Cloud over HTTP.

Map of the room: `wire` holds the rules without any socket (requests, answers, pages, slices, retry decisions); `client`
owns the only sockets, with `exchange` (one open answer), `limiter` (how much at once) and `pipeline` (parallel, in order)
below it; `reader` gives the engine what it reads, with `site` (who, where, which projects), `listing` (site and
project kinds; `list_pages`, `batches`), `walk` (issue ids), `issues` (the windowed reading of issues; `bodies`, `histories`, `overflow`,
`remote_links`, `interest` with `interest_search`, `issue_properties`, `child_properties`), `worklog_feed` and `access` (evidence) and `download` (attachment bytes); `writer` and `upload` are what a restore writes with.
"""
