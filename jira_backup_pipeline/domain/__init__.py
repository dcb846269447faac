"""The pure core: words, catalogue and rules of Jira backups, with no input or output.

Map of the room: `kinds` is THE catalogue of what is backed up, its tables are in `catalogue`; `records` is one captured thing; `manifest` is what a
snapshot says about itself; `readings` are the values that a reading of Jira gives; `references` knows where ids hide inside other things; `errors` sorts every failure by
what its reader must do; `times` reads and writes Jira's several notations of time.
"""
