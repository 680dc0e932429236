"""``kesu merchants``: changing keys without losing a complaint, and looking after what hangs on them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.merchants import app
from kesu.cli.operator import audited

__all__ = ["app"]

Number = Annotated[str, typer.Argument(help=_("Merchant number (商户号)."))]
Serial = Annotated[str, typer.Option("--serial", help=_("PUB_KEY_ID_..., or the certificate's serial number."))]


@app.command("rotate-apiv3", help=_("Change the APIv3 key; the previous one opens notices for a while yet."))
def rotate_apiv3(
    mchid: Number,
    key_file: Annotated[
        Path,
        typer.Option("--key-file", exists=True, dir_okay=False, help=_("File with the new 32-character key.")),
    ],
    grace: Annotated[
        str,
        typer.Option("--grace", help=_("How long the previous key opens notices too: 48h, 2d; 0s for not at all.")),
    ] = "48h",
    data: Data = None,
) -> None:
    """Either order works: here first and then at the platform, or the other way round."""
    from kesu.sandbox.virtual_clock import parse_duration

    with account_named(mchid, data) as account:
        from kesu import clock
        from kesu.merchants.rotation import rotate_apiv3_key

        with audited(f"merchant:{mchid}", apiv3_key="rotated", grace=grace):
            rotate_apiv3_key(account, key_file.read_text().strip(), grace=parse_duration(grace), now=clock.now())
        output.print(_("The new APIv3 key opens notices. Set it at the platform now."), markup=False)


@app.command("rotate-certificate", help=_("Sign with a new merchant certificate; the old key is kept."))
def rotate_certificate(
    mchid: Number,
    private_key: Annotated[
        Path, typer.Option("--private-key", exists=True, dir_okay=False, help=_("apiclient_key.pem"))
    ],
    certificate: Annotated[
        Path, typer.Option("--certificate", exists=True, dir_okay=False, help=_("apiclient_cert.pem"))
    ],
    data: Data = None,
) -> None:
    """Revoke the old certificate at the platform a minute later, not earlier."""
    with account_named(mchid, data) as account:
        from kesu import clock
        from kesu.merchants import rotation

        with audited(f"merchant:{mchid}", certificate="rotated") as details:
            key, pem = private_key.read_text(), certificate.read_text()
            serial = details["serial"] = rotation.rotate_certificate(account, key, pem, now=clock.now())
        output.print(_("Calls are signed with certificate %s within 20 seconds.") % serial, markup=False)


@app.command("add-platform-key", help=_("Believe one more key of the platform, beside those already believed."))
def add_platform_key(
    mchid: Number,
    serial: Serial,
    public_key: Annotated[
        Path,
        typer.Option(
            "--public-key", exists=True, dir_okay=False, help=_("WeChat Pay public key (pub_key.pem) or certificate.")
        ),
    ],
    data: Data = None,
) -> None:
    """Before an account is switched from one to the other: while it is, both sign."""
    with account_named(mchid, data) as account:
        from kesu import clock
        from kesu.merchants.rotation import trust_platform_key

        with audited(f"merchant:{mchid}", platform_key_added=serial):
            trust_platform_key(account, serial, public_key.read_text(), now=clock.now())
        output.print(_("Answers and notices signed with %s are believed.") % serial, markup=False)


@app.command("remove-platform-key", help=_("Believe a key of the platform no more."))
def remove_platform_key(mchid: Number, serial: Serial, data: Data = None) -> None:
    """The last one cannot be removed."""
    with account_named(mchid, data) as account:
        from kesu.merchants.rotation import forget_platform_key

        with audited(f"merchant:{mchid}", platform_key_removed=serial):
            forget_platform_key(account, serial)
        output.print(_("%s is believed no more.") % serial, markup=False)


@app.command("callback", help=_("Look at an account's callback address, keys and clock now, and say what is wrong."))
def callback(
    mchid: Number,
    repair: Annotated[
        bool | None,
        typer.Option("--repair/--report-only", help=_("Whether a changed callback address is set right or only told.")),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Exit status 1 when something is broken."""
    with account_named(mchid, data) as account:
        from kesu import clock
        from kesu.merchants.changes import change_account
        from kesu.merchants.queries import account_problems
        from kesu.merchants.watch import start_watching

        if repair is not None:
            with audited(f"merchant:{mchid}", repair_callback=repair):
                change_account(account, {"repair_callback": repair})
        start_watching(account, now=clock.now())
        error = asyncio.run(_look(account.pk))
        found = account_problems(account=account)
        rows = [{"level": one.level, "problem": one.headline, "advice": one.advice} for one in found]
        if error:
            rows.append({"level": "failed", "problem": _("The platform could not be asked"), "advice": error})
        if json:
            show_json(rows)
        else:
            show_table(
                [_("Level"), _("Problem"), ""], [list(row.values()) for row in rows], _("Everything is in order.")
            )
        if any(row["level"] == "failed" for row in rows):
            raise typer.Exit(1)


@app.command("limitations", help=_("Ask the platform what it forbids an account's sub-merchants."))
def limitations(
    mchid: Number,
    sub_mchids: Annotated[
        list[str] | None,
        typer.Argument(help=_("Sub-merchants; those with open complaints, and those punished of late, when left out.")),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """For service providers (普通服务商) only."""
    with account_named(mchid, data) as account:
        asked = sub_mchids or _of_interest(account)
        rows = asyncio.run(_ask(account, asked))
        if json:
            show_json(rows)
        else:
            show_table(
                [_("Sub-merchant"), _("Forbidden"), _("Reason"), _("Way out")],
                [list(row.values()) for row in rows],
                _("No sub-merchant has an open complaint: name the ones to ask about."),
            )


@app.command("violations", help=_("What the platform told about punishments of sub-merchants (处置通知)."))
def violations(
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help=_("How many, newest first."))] = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """The newest first."""
    with desk(data):
        from kesu.merchants.queries import violation_notices

        rows = [
            {
                "received_at": row.received_at,
                "event": row.event_type,
                "sub_mchid": row.sub_mchid,
                "company": row.company_name,
                "risk_type": row.risk_type,
                "plan": row.punish_plan,
                "record_id": row.record_id,
            }
            for row in violation_notices(limit)
        ]
        if json:
            show_json(rows)
        else:
            show_table(list(rows[0]) if rows else [], [list(row.values()) for row in rows], _("None was received yet."))


@contextmanager
def account_named(mchid: str, data: Path | None) -> Iterator[Any]:
    """The account of that number, in a desk; an AccountError or a wrong value inside ends the command."""
    with desk(data):
        from kesu.merchants.models import Account
        from kesu.merchants.services import AccountError

        account = Account.objects.filter(mchid=mchid).first()
        if account is None:
            fail(_("No such account. kesu merchants list shows them; kesu merchants add connects one."))
        try:
            yield account
        except (AccountError, ValueError) as error:
            fail(str(error))


async def _look(account_pk: int) -> str:
    from kesu import clock
    from kesu.sync import watching
    from kesu.sync.gateway import Gateway

    gateway = Gateway(clock.now)
    try:
        return await watching.look_now(gateway, account_pk)
    finally:
        await gateway.close()


def _of_interest(account: Any) -> list[str]:
    from kesu import clock
    from kesu.sync.limiting import of_interest

    return sorted(of_interest(account, now=clock.now()))


async def _ask(account: Any, sub_mchids: list[str]) -> list[dict[str, Any]]:
    from kesu import clock
    from kesu.sync import limiting
    from kesu.sync.gateway import Gateway
    from kesu.threads import in_thread
    from kesu.wechatpay import WeChatPayError

    gateway = Gateway(clock.now)
    rows = []
    try:
        for sub_mchid in sub_mchids:
            _account, client = await gateway.client(account.pk)
            found = await client.get_limitations(sub_mchid)
            await in_thread(limiting.record, account, sub_mchid, found, now=clock.now())
            words = [*found.limited_functions, *filter(None, [found.other_limited_functions])]
            ways = found.recovery_specifications
            rows.append(
                {
                    "sub_mchid": sub_mchid,
                    "limited": ", ".join(words),
                    "reason": "; ".join(way.limitation_reason for way in ways),
                    "way_out": ", ".join(way.recover_way for way in ways),
                }
            )
    except WeChatPayError as error:
        fail(f"{sub_mchid}: {error}")
    finally:
        await gateway.close()
    return rows
