"""The tests, by the kind of question they ask.

`unit` (no network), `contract` (one suite, many implementations), `journeys` (whole stories over HTTP), `faults` (broken
on purpose), `golden` (files that must keep opening), `browser` (the Dagster UI), `doubles` (what tests put in place of
foreign parts).
"""
