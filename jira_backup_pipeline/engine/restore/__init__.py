"""The verb restore: bring a snapshot back, resume it after a crash, and prove what came back.

Map of the room: `verb` is what the two faces call. `snapshot` reads what is to be restored, `target` reads where to, `matching`
decides what corresponds to what, `plan` puts it together without writing anything. `apply` runs the stages `place` (project,
components, versions, roles), `issues`, `attachments`, `texts`, `children` (comments, worklogs), `relations` (links,
watchers), `properties` and `statuses`, each through `writing` (the only calls that write) and under `journal`, so that nothing is made
twice; `idmap` remembers what became what. `prove` reads the target back; `compare` holds the rules; `report` words it.
"""
