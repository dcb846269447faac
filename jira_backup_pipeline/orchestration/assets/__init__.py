"""What a backup yields, as Dagster assets.

Map of the room: `specs` makes asset specs from the catalogue; `project` reads one project (a partition) and yields its
tables and its snapshot; `site` does so for what all projects share; `discovered` is the list of projects that the
discovery sensor reports. Nothing is yielded before the snapshot is committed.
"""
