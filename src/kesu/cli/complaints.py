"""``kesu complaints``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from kesu.cli.doing import As, acting
from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _

app = typer.Typer(no_args_is_help=True)

Id = Annotated[str, typer.Argument(help=_("The platform's complaint number."))]
FILTERS = "view=all&q=...&merchant=...&problem=REFUND&state=PENDING&assignee=-&mark=again&least=1&since=2026-01-01"
Everything = Annotated[bool, typer.Option("--all", help=_("Finished ones too."))]


@app.command("list", help=_("Complaints by the time left."))
def list_complaints(
    data: Data = None,
    json: Json = False,
    everything: Everything = False,
    mchid: Annotated[str, typer.Option(help=_("Only this merchant's."))] = "",
    second_person: Annotated[
        bool, typer.Option("--second-person", help=_("Only those of which a refund waits for a second person."))
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help=_("At most this many; by default, all for --json and 50 otherwise."))
    ] = None,
) -> None:
    """With --json every known complaint that matches, open or (with --all) finished, is printed."""
    with desk(data):
        from django.db.models import F

        from kesu.complaints.filters import SECOND
        from kesu.complaints.models import Complaint

        rows = Complaint.objects.defer("raw", "payer_phone", "payer_openid").order_by(
            F("next_due_at").asc(nulls_last=True), "-complaint_time", "id"
        )
        if not (everything or json or second_person):
            rows = rows.filter(open=True)
        if mchid:
            rows = rows.filter(complainted_mchid=mchid)
        if second_person:
            rows = rows.filter(SECOND)
        if limit or not json:
            rows = rows[: limit or 50]
        if json:
            show_json([_facts(row) for row in rows])
            return
        _show(rows)


@app.command("show", help=_("One complaint with its timeline."))
def show(
    complaint_id: Id,
    data: Data = None,
    json: Json = False,
    together: Annotated[
        bool, typer.Option("--together", help=_("With the payer's other complaints, as one conversation."))
    ] = False,
) -> None:
    """Exit status 1 when the desk does not know the number."""
    with desk(data):
        from kesu.complaints import queries

        row = _find(complaint_id)
        every = [row, *_others(row)] if together else [row]
        facts = _facts(row) | {
            "timeline": [
                {
                    "log_id": e.log_id,
                    "operate_type": e.operate_type,
                    "operate_time": e.operate_time,
                    "operator": e.operator,
                    "operate_details": e.details,
                }
                | ({"complaint_id": complaint.complaint_id} if together else {})
                for complaint, e in queries.as_one(every)
            ],
            "rounds": list(
                row.rounds.order_by("number").values(
                    "number", "started_at", "replied", "replied_at", "completed_at", "reply_due_at", "complete_due_at"
                )
            ),
            "clocks": list(
                row.clocks.order_by("round_number", "kind").values(
                    "round_number", "kind", "deadline_at", "due_at", "stopped_at"
                )
            ),
        }
        if json:
            show_json(facts)
            return
        for key, value in facts.items():
            if not isinstance(value, list):
                output.print(f"{key:24} {value}", markup=False, highlight=False)
        for entry in facts["timeline"]:
            of = f" {entry['complaint_id']}" if together else ""
            output.print(
                f"  {entry['operate_time']:%Y-%m-%d %H:%M}{of} {entry['operate_type']}: {entry['operate_details']}",
                markup=False,
                highlight=False,
            )


@app.command("of-payer", help=_("Other complaints of the same payer."))
def of_payer(complaint_id: Id, data: Data = None, json: Json = False) -> None:
    """The newest first, at most ten. Exit status 1 when the desk does not know the number."""
    with desk(data):
        rows = _others(_find(complaint_id))
        if json:
            show_json([_facts(row) for row in rows])
        else:
            _show(rows)


@app.command("export", help=_("Write complaints into a CSV or Excel file; recorded in the audit."))
def export(
    file: Annotated[Path, typer.Argument(help=_("Where to; .xlsx makes a workbook, everything else CSV."))],
    filters: Annotated[
        str, typer.Option("--filters", help=_("What follows the question mark of the inbox's address.") + f" {FILTERS}")
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help=_("Replace the file if it exists."))] = False,
    data: Data = None,
    as_: As = "",
) -> None:
    """Open complaints by default; what the person may not see is not in it."""
    if file.exists() and not overwrite:
        fail(_("%s exists. Choose another name, or --overwrite.") % file)
    with desk(data):
        from django.http import QueryDict

        from kesu import clock
        from kesu.accounts.roles import Forbidden
        from kesu.complaints import exports
        from kesu.complaints.narrowing import Narrowing

        kind = exports.XLSX if file.suffix.lower() == ".xlsx" else exports.CSV
        asked = Narrowing.of(QueryDict(filters.removeprefix("?")))
        try:
            made = exports.of_list(acting(as_), asked, kind, now=clock.now())
            file.unlink(missing_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                target.writelines(made.pieces)
        except (Forbidden, exports.TooManyRowsError) as refused:
            fail(str(refused))
        except OSError as error:
            fail(_("%(path)s cannot be written: %(reason)s") % {"path": file, "reason": error.strerror})
        output.print(str(file), markup=False, highlight=False, soft_wrap=True)


def _find(complaint_id: str) -> Any:
    from kesu.complaints.models import Complaint

    row = Complaint.objects.filter(complaint_id=complaint_id).first()
    if row is None:
        fail(_("The desk knows no complaint %s. Try kesu sync.") % complaint_id)
    return row


def _others(row: Any) -> list[Any]:
    from kesu.complaints import queries
    from kesu.complaints.models import Complaint

    return queries.others_among(Complaint.objects.all(), row)[: queries.OTHERS_LIMIT]


def _show(rows: Iterable[Any]) -> None:
    from kesu.clock import BEIJING

    show_table(
        [_("Due"), _("Complaint"), _("State"), _("Merchant"), _("Amount"), _("Times"), _("Text")],
        [
            [
                row.next_due_at.astimezone(BEIJING).strftime("%m-%d %H:%M") if row.next_due_at else "",
                row.complaint_id,
                row.state,
                row.complainted_mchid,
                "" if row.amount is None else f"¥{row.amount / 100:.2f}",
                row.user_complaint_times,
                " ".join(row.detail.split())[:40],
            ]
            for row in rows
        ],
        _("No complaints."),
    )


def _facts(row: Any) -> dict[str, Any]:
    return {
        "complaint_id": row.complaint_id,
        "complaint_state": row.state,
        "complainted_mchid": row.complainted_mchid,
        "complaint_time": row.complaint_time,
        "reply_due_at": row.reply_due_at,
        "complete_due_at": row.complete_due_at,
        "user_complaint_times": row.user_complaint_times,
        "open": row.open,
        "replied": row.replied,
        "next_due_at": row.next_due_at,
        "round_number": row.round_number,
        "amount": row.amount,
        "problem_type": row.problem_type,
        "complaint_detail": row.detail,
        "complaint_full_refunded": row.full_refunded,
        "incoming_user_response": row.incoming_user_response,
        "in_platform_service": row.in_platform_service,
        "need_immediate_service": row.need_immediate_service,
        "user_tag_list": row.user_tags,
        "claimed": row.claimed_at is not None,
        "first_seen_at": row.first_seen_at,
    }
