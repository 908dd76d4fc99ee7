"""Figures for Prometheus: requests, latencies, the queue, faces and decisions; never whose."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Of one service; nothing is global."""

    def __init__(self, depth: Callable[[], int]) -> None:
        """Watch a queue by its depth."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "firstsight_requests",
            "Answers by route and status.",
            ("route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "firstsight_request_seconds", "Time to answer.", ("route",), registry=self._registry
        )
        self._faces = Counter("firstsight_faces", "Faces that were found.", registry=self._registry)
        self._decisions = Counter(
            "firstsight_decisions", "Decisions by kind.", ("decision",), registry=self._registry
        )
        waiting = Gauge("firstsight_photos_waiting", "Photos in work or waiting.", registry=self._registry)
        waiting.set_function(depth)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One request was answered; ``route`` is its pattern, without values."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def seen(self, faces: int) -> None:
        """So many faces were found in a photo."""
        self._faces.inc(faces)

    def decided(self, decision: str) -> None:
        """Somebody was named, or was nobody, and so on."""
        self._decisions.labels(decision).inc()

    def text(self) -> bytes:
        """All of them in Prometheus's text format."""
        return generate_latest(self._registry)
