"""Handlers of the Jira API, one module per area; ``core`` joins their route tables.

A handler takes a ``Call`` and returns a ``Response`` or raises ``ApiError``; it runs under the site's lock.
"""
