"""A signed webhook to a program of one's own."""

from kesu.alerts.channels.webhook.transport import KIND

__all__ = ["KIND"]
