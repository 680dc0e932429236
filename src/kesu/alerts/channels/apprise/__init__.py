"""E-mail, Slack, Telegram and the like, through Apprise."""

from kesu.alerts.channels.apprise.transport import KIND

__all__ = ["KIND"]
