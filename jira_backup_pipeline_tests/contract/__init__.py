"""One suite for every implementation of the same promise."""
