"""The counts and times that /metrics gives out, and how often a model seems to be right."""

from __future__ import annotations

from collections import deque
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from roadworthy.core.arrays import FloatArray
from roadworthy.serve.models import Served

LATEST, FEWEST = 1000, 100  # pictures that accuracy is estimated on


class Meters:
    """The counts and times that /metrics gives out."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry, "namespace": "roadworthy"}
        self.requests = Counter("requests", "Requests answered", ("path", "status"), **own)
        self.seconds = Histogram(
            "request_seconds",
            "Seconds from a request's first byte to its answer",
            ("path",),
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
            **own,
        )
        self.pictures = Counter("pictures", "Pictures answered or refused", ("outcome",), **own)
        self.drives = Gauge("drives", "Drives that are watched now", **own)
        self.drive_frames = Counter("drive_frames", "Frames of drives", ("outcome",), **own)
        self.waiting = Gauge("waiting_pictures", "Pictures that came and are not answered yet", **own)
        self.confidence = Histogram(
            "confidence",
            "Confidence of pictures of one sign, at first sight",
            ("model",),
            buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999),
            **own,
        )
        self.accuracy = Gauge(
            "estimated_accuracy",
            f"Share right of the last {LATEST} pictures, estimated from confidence",
            ("model",),
            **own,
        )
        self._above: dict[str, deque[bool]] = {}

    def answered(self, served: Served, confidences: FloatArray) -> None:
        """Count how sure a model was, and how often it was right by what validation says of that.

        confidences: (N,), at first sight.  A bundle that does not say what its confidence is worth has no
        estimate, and neither have fewer than FEWEST pictures.
        """
        for confidence in confidences.tolist():
            self.confidence.labels(served.name).observe(confidence)
        threshold = served.crops.manifest.known.get("threshold")
        if threshold is None:
            return
        above = self._above.setdefault(served.name, deque(maxlen=LATEST))
        above.extend((confidences > threshold).tolist())
        if len(above) >= FEWEST:
            self.accuracy.labels(served.name).set(sum(above) / len(above))
