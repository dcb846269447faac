"""The catalogue's tables and the words they are written in.

`shape` holds the value types of an entry; `site`, `project` and `issue` hold one table each, in capture and restore
order. `domain.kinds` puts them together: everybody else imports from there.
"""
