"""Where objects lie: one contract and its implementations.

Map of the room: `contract` states what a store promises and holds the in-memory reference; `local` is a folder
(`os_errors`: what its failures mean); `s3` is a bucket (`access`: how it is reached; `s3_errors`: what its refusals mean;
`resuming`: reads over broken connections); `opening` turns a `BACKUP_URI` into one of them; `probe` tries whether a store
keeps create-only writes. Keys are opaque text here: layout and encryption belong to `repository`.
"""
