"""Figures: how fast, how small, how right. `python -m benchmarks` prints those of a release."""
