"""``python -m firstsight``."""

from firstsight.cli import main

if __name__ == "__main__":
    main()
