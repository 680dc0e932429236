"""A WeCom application of one's own (企业微信 自建应用)."""

from kesu.alerts.channels.wecom_app.transport import KIND

__all__ = ["KIND"]
