"""``kesu channels``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.operator import audited

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help=_("The channel's name."))]


KINDS = "wecom_robot | wecom_app | dingtalk_robot | feishu_robot | email | webhook | apprise"


@app.command("add", help=_("Add a way to reach people: a group robot, an application, e-mail, a webhook."))
def add(
    name: Name,
    kind: Annotated[str, typer.Option("--kind", help=KINDS)] = "wecom_robot",
    url: Annotated[
        str, typer.Option("--url", help=_("Address of the robot, the webhook or Apprise's; a secret."))
    ] = "",
    secret: Annotated[
        str, typer.Option("--secret", help=_("The key that signs, of a webhook (made when left out) or a robot."))
    ] = "",
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help=_("NAME=VALUE of the kind's own settings, commas between several; repeat for more.")
        ),
    ] = None,
    mention: Annotated[
        list[str] | None, typer.Option("--mention", help=_("WeCom account id on duty; repeat for more."))
    ] = None,
    second: Annotated[
        list[str] | None,
        typer.Option("--second", help=_("WeCom account id called when a deadline is missed; repeat for more.")),
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option("--account", help=_("Only this merchant number; repeat for more."))
    ] = None,
    fallback: Annotated[str, typer.Option("--fallback", help=_("Channel that takes over when this one is dead."))] = "",
    standby: Annotated[bool, typer.Option("--standby", help=_("Used only as another channel's fallback."))] = False,
    language: Annotated[str, typer.Option("--language", help="zh-hans | en")] = "zh-hans",
    data: Data = None,
) -> None:
    """Try it with kesu channels test NAME."""
    with desk(data):
        from kesu import clock
        from kesu.alerts.models import Channel
        from kesu.alerts.services import SettingsError, add_channel

        accounts = _accounts(account or [])
        stand_in = Channel.objects.filter(name=fallback).first() if fallback else None
        if fallback and stand_in is None:
            fail(_("No such channel: %s. kesu channels list shows them.") % fallback)
        if language not in ("zh-hans", "en"):
            fail(_("The language must be zh-hans or en."))
        settings = _settings(kind, url, secret) | _named(setting or [])
        try:
            with audited(f"channel:{name}", added=kind, accounts=[known.mchid for known in accounts]):
                channel = add_channel(
                    name=name,
                    kind=kind,
                    settings=settings,
                    accounts=accounts,
                    mentions=mention or [],
                    second_mentions=second or mention or [],
                    language=language,
                    fallback=stand_in,
                    standby=standby,
                    now=clock.now(),
                )
        except SettingsError as error:
            fail(str(error))
        output.print(_("Channel %s is added. Send it something: kesu channels test") % channel.name, markup=False)
        if kind == "webhook" and not secret:
            output.print(
                _("It signs with the secret (shown only now): %s") % settings["secret"], markup=False, highlight=False
            )
        if settings.get("callback_token"):
            path = f"/callbacks/wecom/{channel.pk}"
            output.print(_("Enter this path of your public address in WeCom: %s") % path, markup=False, highlight=False)


@app.command("test", help=_("Send one real push and say what the other side answered."))
def send_test(name: Name, data: Data = None, json: Json = False) -> None:
    """Exit status 1 unless it was accepted."""
    with desk(data):
        from kesu import clock
        from kesu.alerts.models import Attempt
        from kesu.alerts.services import test_channel

        attempt = test_channel(_find(name), now=clock.now())
        accepted = attempt.outcome == Attempt.Outcome.SENT
        result = {
            "channel": name,
            "outcome": attempt.outcome,
            "code": attempt.code,
            "answer": attempt.answer,
            "milliseconds": attempt.milliseconds,
        }
        if json:
            show_json(result)
        elif accepted:
            output.print(_("Accepted: look at the group."))
        if not accepted and not json:
            fail(_("Not accepted (%(outcome)s, code %(code)s): %(answer)s") % result)
        if not accepted:
            raise typer.Exit(1)


@app.command("list", help=_("Channels and how they are."))
def list_channels(data: Data = None, json: Json = False) -> None:
    """Secrets in addresses are masked."""
    with desk(data):
        from kesu import clock
        from kesu.alerts.queries import channel_health

        rows = [
            {
                "name": health.channel.name,
                "kind": health.channel.kind,
                "address": health.address,
                "state": health.state,
                "robots": health.health.robots,
                "answering": health.health.answering,
                "since": health.health.since,
                "until": health.health.until,
                "reason": health.health.reason,
                "pending": health.pending,
                "failed": health.failed,
                "last_sent_at": health.last_sent_at,
                "mentions": health.channel.mentions,
                "second_mentions": health.channel.second_mentions,
                "quiet_hours": health.channel.quiet_hours,
            }
            for health in channel_health(now=clock.now())
        ]
        if json:
            show_json(rows)
            return
        shown = ["name", "kind", "address", "state", "robots", "pending", "failed", "reason"]
        for row in rows:
            row["robots"] = f"{row['answering']}/{row['robots']}" if row["robots"] > 1 else ""
        show_table(shown, [[row[column] for column in shown] for row in rows], _("None yet: kesu channels add --help"))


@app.command("quiet", help=_("Let what is not urgent wait, such as 22:00-08:00 in Beijing; off ends it."))
def quiet(name: Name, hours: Annotated[str, typer.Argument(help="22:00-08:00 | off")], data: Data = None) -> None:
    """Nothing is dropped; what has less than six hours left does not wait."""
    with desk(data):
        from kesu import clock
        from kesu.alerts.services import set_quiet_hours

        try:
            with audited(f"channel:{name}", quiet_hours=hours):
                set_quiet_hours(_find(name), "" if hours == "off" else hours, now=clock.now())
        except ValueError:
            fail(_("Quiet hours are written 22:00-08:00."))
        output.print(_("Quiet hours of %(name)s: %(hours)s") % {"name": name, "hours": hours}, markup=False)


@app.command("change", help=_("Change some of a channel's settings; what is not given stays as it is."))
def change(
    name: Name,
    url: Annotated[
        str, typer.Option("--url", help=_("Address of the robot, the webhook or Apprise's; a secret."))
    ] = "",
    secret: Annotated[str, typer.Option("--secret", help=_("The key that signs."))] = "",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help=_("NAME=VALUE of the kind's own settings; an empty VALUE takes one back.")),
    ] = None,
    mention: Annotated[
        list[str] | None, typer.Option("--mention", help=_("All who are on duty; '' for nobody."))
    ] = None,
    second: Annotated[
        list[str] | None, typer.Option("--second", help=_("All who are called when a deadline is missed."))
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option("--account", help=_("Only these merchant numbers; '' for every one."))
    ] = None,
    fallback: Annotated[
        str | None, typer.Option("--fallback", help=_("Channel that takes over when this one is dead; '' for none."))
    ] = None,
    standby: Annotated[
        bool | None, typer.Option("--standby/--no-standby", help=_("Used only as another channel's fallback."))
    ] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help=_("Switch it on again, or off."))] = None,
    language: Annotated[str | None, typer.Option("--language", help="zh-hans | en")] = None,
    data: Data = None,
) -> None:
    """A dead channel whose settings change is tried again at once."""
    with desk(data):
        from kesu import clock
        from kesu.alerts.changes import ChannelChange, change_channel
        from kesu.alerts.channels.base import SettingsError

        channel = _find(name)
        if language not in (None, "zh-hans", "en"):
            fail(_("The language must be zh-hans or en."))
        wanted = ChannelChange(
            settings=_changed_settings(channel.kind, url, secret) | _named(setting or []),
            mentions=_those(mention),
            second_mentions=_those(second),
            accounts=None if account is None else _accounts(account),
            language=language,
            fallback=None if fallback is None else (_find(fallback) if fallback else False),
            standby=standby,
            enabled=on,
        )
        try:
            with audited(f"channel:{name}", changed=_names_of(wanted)):
                change_channel(channel, wanted, now=clock.now())
        except SettingsError as error:
            fail(str(error))
        output.print(_("Channel %s is changed. Send it something: kesu channels test") % name, markup=False)


@app.command("remove", help=_("Switch a channel off; what it still owed is told nowhere."))
def remove(name: Name, data: Data = None) -> None:
    """Its log stays; kesu channels change NAME --on brings it back."""
    with desk(data):
        from kesu import clock
        from kesu.alerts.changes import ladders_naming
        from kesu.alerts.services import switch

        channel = _find(name)
        with audited(f"channel:{name}", enabled=False):
            switch(channel, enabled=False, now=clock.now())
        output.print(_("Channel %s is off.") % name, markup=False)
        if naming := ladders_naming(channel):
            told = _("Ladders name it: %s. Their steps go to every channel now.") % ", ".join(naming)
            output.print(told, markup=False)


def _find(name: str) -> Any:
    from kesu.alerts.models import Channel

    channel = Channel.objects.filter(name=name).first()
    if channel is None:
        fail(_("No such channel: %s. kesu channels list shows them.") % name)
    return channel


def _settings(kind: str, url: str, secret: str) -> dict[str, Any]:
    """Each kind names its settings differently; the command has one --url and one --secret."""
    if kind == "webhook":
        from kesu.alerts.channel_verbs import new_signing_secret

        return {"url": url, "secret": secret or new_signing_secret()}
    name = "url" if kind == "apprise" else "webhook_url"
    found = {name: url, "secret": secret}
    return {name: value for name, value in found.items() if value}


def _changed_settings(kind: str, url: str, secret: str) -> dict[str, Any]:
    found = {"url" if kind in ("webhook", "apprise") else "webhook_url": url, "secret": secret}
    return {name: value for name, value in found.items() if value}


def _names_of(change: Any) -> list[str]:
    """What a change touches; values may be secrets."""
    names = [name for name in change.__slots__ if name != "settings" and getattr(change, name) is not None]
    return [*names, *sorted(change.settings or ())]


def _those(given: list[str] | None) -> list[str] | None:
    """None for an option that was not given; one empty word clears."""
    return None if given is None else [one for one in given if one]


def _accounts(mchids: list[str]) -> list[Any]:
    from kesu.merchants.models import Account

    wanted = {mchid for mchid in mchids if mchid}
    accounts = list(Account.objects.filter(mchid__in=wanted))
    if unknown := wanted - {known.mchid for known in accounts}:
        fail(_("No such account: %s. kesu merchants list shows them.") % ", ".join(sorted(unknown)))
    return accounts


def _named(settings: list[str]) -> dict[str, str]:
    """``--set`` options as names and values."""
    pairs = [setting.partition("=") for setting in settings]
    if not all(equals and name for name, equals, _value in pairs):
        fail(_("--set takes NAME=VALUE."))
    return {name: value for name, _equals, value in pairs}
