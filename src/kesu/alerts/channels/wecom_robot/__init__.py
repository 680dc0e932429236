"""The WeCom robot (企业微信 消息推送)."""

from kesu.alerts.channels.wecom_robot.transport import KIND

__all__ = ["KIND"]
