"""Where objects lie: one contract and its implementations.

Map of the room: `contract` states what a store promises and holds the in-memory reference; `local` is a folder; `s3`
is a bucket; `opening` turns a `BACKUP_URI` into one of them. Keys are opaque text here: layout and encryption
belong to `repository`.
"""
