"""``kesu merchants``."""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.operator import audited

app = typer.Typer(no_args_is_help=True)

PublicUrl = Annotated[
    str,
    typer.Option(
        "--public-url",
        envvar="KESU_PUBLIC_URL",
        help=_("Address at which the platform reaches this desk, e.g. https://desk.example.com."),
    ),
]


@app.command("add", help=_("Connect a merchant number, or bring its keys up to date."))
def add(
    mchid: Annotated[str, typer.Argument(help=_("Merchant number (商户号)."))],
    private_key: Annotated[
        Path, typer.Option("--private-key", exists=True, dir_okay=False, help=_("apiclient_key.pem"))
    ],
    apiv3_key_file: Annotated[
        Path,
        typer.Option(
            "--apiv3-key-file", exists=True, dir_okay=False, help=_("File that holds the 32-character APIv3 key.")
        ),
    ],
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate", exists=True, dir_okay=False, help=_("apiclient_cert.pem; gives the serial number.")
        ),
    ] = None,
    serial: Annotated[
        str,
        typer.Option("--serial", help=_("Serial number of the merchant certificate, if no certificate file is given.")),
    ] = "",
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", exists=True, dir_okay=False, help=_("WeChat Pay public key (pub_key.pem).")),
    ] = None,
    public_key_id: Annotated[str, typer.Option("--public-key-id", help=_("Its id, PUB_KEY_ID_..."))] = "",
    role: Annotated[str, typer.Option("--role", help="merchant | partner | channel | institution")] = "merchant",
    name: Annotated[str, typer.Option("--name", help=_("What staff call it."))] = "",
    profile: Annotated[
        str, typer.Option("--profile", help=_("Deadlines: rolling (24 h / 72 h) or calendar days."))
    ] = "",
    public_url: PublicUrl = "",
    replace_callback: Annotated[
        bool, typer.Option("--replace-callback", help=_("Take the callback over from another system."))
    ] = False,
    data: Data = None,
) -> None:
    """With --public-url the callback address is registered at the platform too."""
    with desk(data) as settings:
        from kesu import clock
        from kesu.merchants.services import AccountError, NewAccount, save_account
        from kesu.rules.deadlines import PROFILES
        from kesu.sync.polling import start_polling

        if profile and profile not in PROFILES:
            fail(_("The profile must be one of %s.") % ", ".join(PROFILES))
        if bool(public_key) != bool(public_key_id):
            fail(_("Give --public-key and --public-key-id together."))
        try:
            certificate_pem = certificate.read_text() if certificate else ""
            new = NewAccount(
                mchid=mchid,
                role=role,
                name=name,
                private_key_pem=private_key.read_text(),
                certificate_pem=certificate_pem,
                serial_no=serial,
                apiv3_key=apiv3_key_file.read_text().strip(),
                platform_keys={public_key_id: public_key.read_text()} if public_key else {},
                deadline_profile=profile,
            )
            with audited(f"merchant:{mchid}", saved=True, role=role, serial_no=serial, public_key_id=public_key_id):
                account = save_account(new, now=clock.now())
                start_polling(account, now=clock.now())
        except (AccountError, ValueError) as error:
            fail(str(error))
        output.print(_("Account %s is connected.") % account.mchid, markup=False)
        if public_url or settings.public_url:
            problem = asyncio.run(register([account], public_url or settings.public_url, replace=replace_callback))
            if problem:
                fail(problem)


@app.command("list", help=_("Connected merchant numbers."))
def list_accounts(data: Data = None, json: Json = False) -> None:
    """Keys are never shown."""
    with desk(data):
        from kesu.merchants.models import Account

        rows = [
            {
                "mchid": account.mchid,
                "name": account.name,
                "role": account.role,
                "enabled": account.enabled,
                "callback_registered": bool(account.notify_url),
                "sub_merchants": account.sub_merchants.count(),
            }
            for account in Account.objects.order_by("mchid")
        ]
        if json:
            show_json(rows)
        else:
            show_table(
                list(rows[0]) if rows else [],
                [list(row.values()) for row in rows],
                _("None yet: kesu merchants add --help, or kesu demo to try with a sandbox."),
            )


@app.command("check", help=_("Make real calls with an account's keys and say what works."))
def check(
    mchid: Annotated[str, typer.Argument(help=_("Merchant number; all when left out."))] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Exit status 1 when anything fails."""
    with desk(data) as settings:
        from kesu.merchants.models import Account

        accounts = list(Account.objects.filter(**({"mchid": mchid} if mchid else {})).order_by("mchid"))
        if not accounts:
            fail(_("No such account. kesu merchants list shows them; kesu merchants add connects one."))
        findings = asyncio.run(_check(accounts, settings.public_url))
        if json:
            show_json(findings)
        else:
            show_table(
                [_("Account"), _("Check"), _("Result"), ""],
                [[f["mchid"], f["check"], "ok" if f["ok"] else _("FAILED"), f["detail"]] for f in findings],
                "",
            )
        if not all(finding["ok"] for finding in findings):
            raise typer.Exit(1)


@app.command("import-sandbox", help=_("Connect a sandbox: its accounts, robot, callback and clock, in one step."))
def import_sandbox(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=_("The sandbox's sandbox.json."))],
    public_url: PublicUrl = "http://127.0.0.1:8000",
    data: Data = None,
) -> None:
    """The desk then follows the sandbox's clock. Not for an installation with real accounts."""
    with desk(data) as settings:
        from kesu.cli.sandbox_import import connect
        from kesu.merchants.services import AccountError

        try:
            sandbox = jsonlib.loads(file.read_text())
            with audited("sandbox") as details:
                accounts = connect(sandbox, settings.data_directory)
                details["merchants"] = [account.mchid for account in accounts]
        except (AccountError, ValueError) as error:
            fail(str(error))
        problem = asyncio.run(register(accounts, public_url, replace=True))
        if problem:
            fail(problem)
        output.print(
            _("Connected to the sandbox: %s.") % ", ".join(account.mchid for account in accounts), markup=False
        )


async def register(accounts: Sequence[Any], public_url: str, *, replace: bool) -> str:
    """Set the callback of each; the first problem as a sentence, or nothing."""
    from kesu import clock
    from kesu.merchants.services import AccountError, register_callback, remember_callback
    from kesu.sync.gateway import Gateway
    from kesu.threads import in_thread
    from kesu.wechatpay import WeChatPayError

    gateway = Gateway(clock.now)
    try:
        for account in accounts:
            _account, client = await gateway.client(account.pk)
            url = await register_callback(account, client, public_url, replace=replace)
            await in_thread(remember_callback, account, url)
    except (AccountError, WeChatPayError) as error:
        return f"{account.mchid}: {error}"
    finally:
        await gateway.close()
    return ""


async def _check(accounts: Sequence[Any], public_url: str) -> list[dict[str, Any]]:
    from kesu import clock
    from kesu.clock import beijing_day
    from kesu.merchants.credentials import NoCredentials
    from kesu.sync.gateway import Gateway
    from kesu.wechatpay import WeChatPayError

    findings: list[dict[str, Any]] = []

    async def step(mchid: str, name: str, call: Any) -> None:
        try:
            detail = await call
            findings.append({"mchid": mchid, "check": name, "ok": True, "detail": detail})
        except (WeChatPayError, NoCredentials) as error:
            findings.append({"mchid": mchid, "check": name, "ok": False, "detail": str(error)})

    gateway = Gateway(clock.now)
    for account in accounts:
        today = beijing_day(clock.now())

        async def listing(pk: int = account.pk, day: Any = today) -> str:
            _account, client = await gateway.client(pk)
            page = await client.list_complaints(day, day, limit=1)
            return _("%s complaints today") % (
                page.total_count if page.total_count is not None else len(page.complaints)
            )

        async def callback(pk: int = account.pk, expected: str = account.notify_url) -> str:
            _account, client = await gateway.client(pk)
            found = await client.get_notify_url()
            if found is None:
                raise WeChatPayError(
                    _("no callback address is registered at the platform: kesu merchants add with --public-url")
                )
            if expected and found.url != expected:
                raise WeChatPayError(_("the platform calls another address than this desk's"))
            return _("registered")

        await step(account.mchid, _("keys and listing"), listing())
        await step(account.mchid, _("callback address"), callback())
    await gateway.close()
    return findings
