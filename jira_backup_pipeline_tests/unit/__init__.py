"""Fast tests of one module each, without a network."""
