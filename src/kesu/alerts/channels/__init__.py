"""The kinds of channels. A new kind is a copied folder and one line here."""

from __future__ import annotations

from kesu.alerts.channels.apprise import KIND as APPRISE
from kesu.alerts.channels.base import ChannelKind, SettingsError
from kesu.alerts.channels.dingtalk_robot import KIND as DINGTALK_ROBOT
from kesu.alerts.channels.email import KIND as EMAIL
from kesu.alerts.channels.feishu_robot import KIND as FEISHU_ROBOT
from kesu.alerts.channels.webhook import KIND as WEBHOOK
from kesu.alerts.channels.wecom_app import KIND as WECOM_APP
from kesu.alerts.channels.wecom_robot import KIND as WECOM_ROBOT

KINDS: dict[str, ChannelKind] = {
    kind.name: kind
    for kind in (
        WECOM_ROBOT,
        WEBHOOK,
        APPRISE,
        DINGTALK_ROBOT,
        FEISHU_ROBOT,
        EMAIL,
        WECOM_APP,
    )
}


def kind_named(name: str) -> ChannelKind:
    """The kind. Raises SettingsError for a name that no folder has."""
    try:
        return KINDS[name]
    except KeyError:
        raise SettingsError({"kind": f"must be one of {', '.join(KINDS)}"}) from None
