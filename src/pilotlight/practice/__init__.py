"""Exercises: what to write, how it is checked, which mistakes are known; and the judge."""
