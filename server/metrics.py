"""Prometheus metrics. Labels have few values: paths are cut down to the face that serves them."""

from collections.abc import Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from realtime.hub import Hub
from rest_compat.native.routes import PREFIXES
from rest_compat.phacet.routes import PREFIXES as PHACET

REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "tablecast_requests_total",
    "HTTP requests by face, method and status.",
    ["face", "method", "status"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "tablecast_request_seconds", "Time to answer by face.", ["face"], registry=REGISTRY
)

_FACES = (
    ("/graphql", "graphql"),
    ("/api/tables", "tables"),
    ("/api/uploads", "tables"),
    *((prefix, "phacet") for prefix in PHACET),
    *((prefix, "native") for prefix in PREFIXES),
    ("/health", "health"),
    ("/metrics", "health"),
    ("/openapi", "documents"),
)


def face_of(path: str) -> str:
    """The face that serves a path; `other` for unknown ones, so that labels stay few."""
    return next((face for prefix, face in _FACES if path.startswith(prefix)), "other")


class HubCollector(Collector):
    """The live hub's figures, read when they are asked for."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        hub, totals = self._hub, self._hub.counters
        for name, text, now in (
            ("subscribers", "Open subscriptions.", hub.subscribers),
            ("groups", "Groups of subscribers that share their frames.", hub.groups),
            ("topics", "Logs followed.", hub.topics),
        ):
            yield GaugeMetricFamily(f"tablecast_live_{name}", text, value=now)
        for name, text, total in (
            ("frames", "Frames queued for subscribers.", totals.frames_sent),
            ("gaps", "Slow subscribers that read the log again.", totals.gaps),
            ("resets", "Subscribers told to fetch again.", totals.resets),
            ("log_reads", "Reads of a log.", totals.log_reads),
            ("renders", "Slices rendered, once per group.", totals.renders),
            ("failures", "Reads and renders that failed.", totals.failures),
        ):
            yield CounterMetricFamily(f"tablecast_live_{name}", text, value=total)
