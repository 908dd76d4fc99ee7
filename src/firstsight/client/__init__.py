"""The same verbs as ``Recognizer``, done by a service: code moves there by changing one line."""

from __future__ import annotations

try:
    import httpx as _httpx  # noqa: F401
except ImportError as error:
    raise ImportError('The client needs httpx; install it: pip install "firstsight[client]"') from error

from firstsight.client.client import Client

__all__ = ["Client"]
