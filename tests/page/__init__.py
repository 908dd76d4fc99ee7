"""A package, so that the browser can end with its tests."""
