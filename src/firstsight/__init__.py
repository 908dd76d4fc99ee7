"""Know a person from one photograph.

The public names are loaded when first used, so that ``import firstsight`` stays instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from firstsight.errors import FirstsightError
    from firstsight.models import open_model
    from firstsight.recognizer import Recognizer

__version__ = "0.1.0"

__all__ = ["FirstsightError", "Recognizer", "__version__", "open_model"]

_HOMES: Final = {
    "FirstsightError": "firstsight.errors",
    "Recognizer": "firstsight.recognizer",
    "open_model": "firstsight.models",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """With the public names, which are not there before they are used."""
    return sorted({*globals(), *__all__})
