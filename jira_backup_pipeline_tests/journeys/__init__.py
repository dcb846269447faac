"""Whole stories over HTTP, with real files and real Dagster instances."""
