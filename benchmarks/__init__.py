"""Measurements of time, always as ratios to a peer in the same run."""
