"""The catalogue's tables and the words they are written in.

`shape` holds the value types of an entry; `site`, `project` and `issue` hold one table each, in capture and restore
order. The site's table has more parts: `field_setup`, `schemes`, `shared`, `projects`, `boards`, `settings` and
`service_desk`. `domain.kinds` puts everything together: everybody else imports from there.
"""
