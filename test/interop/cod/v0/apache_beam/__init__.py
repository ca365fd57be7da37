"""Stands for the real one, 300 MB of which the package uses counters that nobody reads."""
