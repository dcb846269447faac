"""Frozen repositories of every format that was ever written."""
