"""Capture: one reading of a scope that ends in a committed snapshot.

Map of the room: `project` and `site` are the two captures; `changes` decides which issues must be read; `attachments`
stores bytes once; `ledger` compares what Jira said with what is stored; `commit` publishes and rebases.
"""
