"""Parquet: the typed tables beside the lossless original, encrypted file by file.

Map of the room: `schema` makes Arrow schemas from the catalogue; `writing` turns records into encrypted row groups with
bounded memory; `files` opens single encrypted files and proves their content; `reading` gives the live rows of a
snapshot's tables. Only this room and `repository.index` and `repository.query` know Arrow.
"""
