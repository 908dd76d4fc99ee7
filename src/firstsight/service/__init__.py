"""The HTTP service: one gallery, one model, keys, and a page."""

from firstsight.service.settings import Settings

__all__ = ["Settings"]
