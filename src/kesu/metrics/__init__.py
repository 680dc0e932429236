"""What Prometheus may know: how the desk does, in numbers; nothing about a payer, no secret."""

from kesu.metrics.gate import Gate
from kesu.metrics.page import PATH, MetricsPage

__all__ = ["PATH", "Gate", "MetricsPage"]
