"""The verbs, in plain Python: what the command line and Dagster both call.

Map of the room: `ports` declares what the engine needs of Jira; `capture/` reads a scope and commits a snapshot; `verify`
proves stored snapshots; `restore/` plans, applies and proves a restore; `progress` is how a verb tells how far it is, `estimate` and
`cost` what it will cost;
`outcomes` are the results the two faces show. No Dagster, no sockets, no environment.
"""
