"""What makes the data that ships: run by hand, no part of the package."""
