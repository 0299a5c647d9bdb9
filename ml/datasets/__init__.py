"""Loaders of public data in the layout its source publishes, and simulated beats for tests and demonstrations."""
