"""Capture: one reading of a scope that ends in a committed snapshot.

Map of the room: `project` and `site` are the two captures; `changes` decides which issues must be read and `reading` reads them;
`missing` asks where the others went and `disappearance` judges it; `worklogs` follows Jira's feed; `attachments` stores bytes
once; `ledger` compares what Jira said with what is stored; `compaction` puts packs together; `commit` publishes and rebases.
"""
