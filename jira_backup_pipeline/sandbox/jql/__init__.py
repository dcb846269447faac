"""The query language: ``parser`` turns text into a tree, ``matching`` evaluates it, ``ordering`` sorts and pages."""
