"""The configuration that a restore makes where the target lacks it.

Map, from the outside in: `restoring` is the entry (plan, make, look up); `need` says what of a snapshot's configuration is
wanted; `making` matches, makes and recognises again under the journal, one `noun` after another; the nouns are in
`definitions`, `fields`, `contexts`, `screens`, `workflows` (with `rules`) and `schemes`; `source` reads the snapshot and
`comparison` proves what came back.
"""
