"""The Dagster face of the product: the only room that knows Dagster.

Map of the room, one module per Dagster concept: `resources` carries names of settings and opens the workplace at run
time; `partitions` the partitions by project; `assets/` what a backup yields; `checks` what must be true of it; `jobs/`
backup, verify and restore; `schedules` and `sensors/` what happens by itself; `build` puts it together. Beside them,
plain Python that these concepts share: `registry` (which project is which), `health` (what is stale or incomplete),
`metadata` (how results are shown), `failures` (what is retried), `progress` (how a verb reports), `heads` (the newest
snapshots). Bodies of assets, ops, checks and sensors stay under about 15 lines: the verbs are in `engine`.
"""
