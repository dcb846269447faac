"""The repository: what lies in the store, in a published format (`FORMAT.md` beside this file).

Map of the room: `repository` is the facade that the engine uses; `founding` creates and opens one. `layout` names
objects; `damage` words integrity errors; `spooling` moves bytes with bounded memory, `memory` gives it back; `sealing` is age and Ed25519;
`identity` reads identity files; `documents` are sealed and signed JSON; `keyring` holds the wrapped data keys;
`tables/` is Parquet (schema, writing, reading); `index` is the list of live units; `blobs` are attachment bytes; `packs`
writes and re-reads what one capture stored; `copying` takes rows from older packs into a new one; `receipts` remembers
what packs hold; `snapshots` are manifests and their chain, `commits` the order in which one comes to be; `table_set` are the
tables of a snapshot; `query` is DuckDB over Arrow;
`checking` proves stored objects one by one.
"""
