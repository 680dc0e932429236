"""The DingTalk robot (钉钉 自定义机器人)."""

from kesu.alerts.channels.dingtalk_robot.transport import KIND

__all__ = ["KIND"]
