"""What differs between two snapshots of a project, or between a snapshot and Jira as it is now.

What belongs here: the verb `diff`: finding the units that differ, and saying how, field by field.

What stays out: whether a restore brought things back as it should (`engine.restore.prove`), which knows what was changed on
purpose and judges; a diff only says.
"""
