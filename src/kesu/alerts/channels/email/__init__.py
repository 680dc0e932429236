"""E-mail through an SMTP server of one's own."""

from kesu.alerts.channels.email.transport import KIND

__all__ = ["KIND"]
