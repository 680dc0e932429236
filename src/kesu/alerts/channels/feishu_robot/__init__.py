"""The Feishu or Lark robot (飞书 自定义机器人)."""

from kesu.alerts.channels.feishu_robot.transport import KIND

__all__ = ["KIND"]
