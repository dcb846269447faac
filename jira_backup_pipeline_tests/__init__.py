"""The tests, by what they need: unit (nothing), contract (every store), journeys (HTTP), faults, golden, browser."""
