"""The demonstration: a sandbox Jira is backed up through Dagster, loses things, gets them back, and shows the proof.

Map of the room: `story` tells it; `programs` starts and stops what runs beside it (sandbox, Dagster); `dagster_api` asks a
running Dagster to do things and says where its pages are. Nothing here is needed by a real backup.
"""
