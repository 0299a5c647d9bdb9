"""Benchmarks: this platform beside the way of the source reports, measured in one run on one machine."""
