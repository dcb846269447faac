"""A local Jira Cloud: answers over HTTP as the official API documents say, for demos, drills and tests.

Map of the room, from the outside in:

* ``__main__``        the command line; ``server`` the in-process form (``start_sandbox``)
* ``asgi``            sockets: Starlette around the core, and what a fault does to a connection
* ``core``            the sans-socket core: request in, response and way of delivery out
* ``routes``          one module per area of the API
* ``control``         ``/__sandbox__/``: request log, faults, truth and ``edits`` (not part of Jira)
* ``faults`` ``limits`` ``request_log`` ``media`` ``auth``
* ``jql``             parser and evaluation of the query language
* ``rendering`` ``reference_rendering`` ``issue_metadata``   state to Jira's JSON
* ``changes`` ``creation`` ``values``                        what a write does to the state
* ``site`` ``issue_table`` ``search_index`` ``model`` ``settings`` ``clock``  the state itself
* ``setup``           schemes, screens, filters and the like, which follow from the state
* ``seed``            made data; ``recorded`` recorded data; ``truth`` the dump of everything
* ``http`` ``adf``      HTTP as plain values; what a server must know of rich text

Where the documents are silent or this room departs from them is listed in ``DEVIATIONS.md``.
This room imports nothing of the other rooms, so it can never inherit their mistakes.
"""
