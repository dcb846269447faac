"""The rules of Jira's protocol without a socket or a clock: everything here is decided from values alone.

Map: `messages` are requests, answers and refusals; `addresses` says which address may be asked and which redirect followed;
`retries` decides what an answer means; `pages` knows where a list ends; `slices` cuts the exact bytes of each
record out of an answer, with `scanner` for the pages that a strict decoder refuses.
"""
