"""The query language of searches.

``parser`` turns text into a tree, ``matching`` evaluates it (``dates`` reads its moments), ``search`` sorts and pages.
"""
