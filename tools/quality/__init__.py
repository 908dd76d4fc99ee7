"""Measuring from where on a face is too poor to enrol from."""
