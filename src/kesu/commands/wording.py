"""Commands in words, for pages, the API and the command line; in the language that is active."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kesu.alerts.messages import money
from kesu.clock import BEIJING
from kesu.commands.errors import Conflict, InvalidCommand
from kesu.commands.models import Command, Refund
from kesu.commands.pictures import PictureRefused

BY_HAND = "BY_HAND"
"""The error code of a command that a person settled as not carried out; the error is their reason."""


def kind(command: Command) -> str:
    known: dict[str, Callable[[], str]] = {
        Command.Kind.REPLY: lambda: _("Reply"),
        Command.Kind.IMMEDIATE_REPLY: lambda: _("Reply"),
        Command.Kind.COMPLETE: lambda: _("Completion"),
        Command.Kind.APPROVE_REFUND: lambda: _("Approval of the refund"),
        Command.Kind.REJECT_REFUND: lambda: _("Rejection of the refund"),
        Command.Kind.REFUND: lambda: _("Refund"),
        Command.Kind.RESEND_REFUND: lambda: _("Sending the refund elsewhere"),
    }
    return known[command.kind]()


def outcome(command: Command) -> str:
    """What became of it, what is safe, and what to do."""
    state = Command.State
    if command.state == state.CONFIRMED:
        return _("%s: WeChat Pay has taken it.") % kind(command)
    if command.state == state.FAILED:
        return f"{kind(command)}: {failure(command)}"
    if command.state == state.UNKNOWN:
        return _("%s: WeChat Pay gave no clear answer. Nothing is lost; whether it arrived is being checked.") % kind(
            command
        )
    if command.error:
        return _("%s: WeChat Pay cannot be reached at the moment. It will be sent as soon as it can.") % kind(command)
    return _("%s: on its way to WeChat Pay.") % kind(command)


def failure(command: Command) -> str:
    told = command.error if not command.error_code else f"{command.error} ({command.error_code})"
    if command.error_code == BY_HAND:
        return _("Settled by hand as not carried out: %s") % command.error
    known: dict[str, Callable[[], str]] = {
        Command.Failure.REFUSED: lambda: _("WeChat Pay refused it: %s. Nothing was changed.") % told,
        Command.Failure.CHANGED: lambda: _(
            "The case had changed meanwhile, so it was not sent. Look at it and decide anew."
        ),
        Command.Failure.NOT_SENT: lambda: _("It could not be sent: %s. Nothing was changed; try again.") % told,
        Command.Failure.NOT_FOUND: lambda: _(
            "WeChat Pay never answered, and the history shows no trace of it: it did not arrive. Send it again."
        ),
        Command.Failure.WITHDRAWN: lambda: _("Taken back before it was sent."),
    }
    if command.kind == Command.Kind.RESEND_REFUND and command.failure == Command.Failure.NOT_FOUND:
        return _("WeChat Pay never answered, and the refund is still abnormal there: it did not arrive. Send it again.")
    return known[command.failure]()


def refund_outcome(refund: Refund) -> str:
    """How a refund stands, and where it went if it was sent elsewhere."""
    if refund.is_returned:
        return _("in your own bank account: pay the payer in another way")
    said = refund_state(refund.state)
    if refund.resent_to and refund.state in (Refund.State.PROCESSING, Refund.State.SUCCESS):
        to_payer = refund.resent_to == Refund.Resent.PAYER
        where = _("to another card of the payer") if to_payer else _("to your own bank account")
        return f"{said} ({where})"
    return said


def refund_state(state: str) -> str:
    known: dict[str, Callable[[], str]] = {
        Refund.State.WANTED: lambda: _("being asked for"),
        Refund.State.PROCESSING: lambda: _("on its way"),
        Refund.State.SUCCESS: lambda: _("arrived"),
        Refund.State.CLOSED: lambda: _("closed without a refund"),
        Refund.State.ABNORMAL: lambda: _("failed on the way: the payer's card cannot take it"),
        Refund.State.REFUSED: lambda: _("not made"),
    }
    return known[state]()


def difference(conflict: Conflict) -> str:
    """What happened since the person looked."""
    lines = [f"{_who(command)}: {outcome(command)}" for command in conflict.commands]
    lines += [
        f"{entry.operate_time.astimezone(BEIJING):%m-%d %H:%M} {entry.operator or ''} {entry.details}".strip()
        for entry in conflict.entries
    ]
    lines += [
        _("%(who)s has asked for a refund of %(amount)s, which waits for a second person.")
        % {"who": request.requested_by or _("somebody"), "amount": money(request.amount)}
        for request in conflict.requests
    ]
    head = ngettext(
        "The case changed since you looked, and nothing was sent:",
        "The case changed since you looked, and nothing was sent:",
        len(lines),
    )
    return "\n".join([head, *lines])


def invalid(wrong: InvalidCommand) -> str:
    known: dict[str, Callable[[], str]] = {
        "text_missing": lambda: _("Write something first."),
        "reason_missing": lambda: _("Give a reason; the payer reads it."),
        "reason_too_long": lambda: _("A reason or remark has at most 200 characters."),
        "remark_too_long": lambda: _("A reason or remark has at most 200 characters."),
        "refund_reason_too_long": lambda: _(
            "The reason of a refund has at most 80 bytes: about 26 Chinese characters."
        ),
        "note_too_long": lambda: _("A note has at most 4000 characters."),
        "too_many_pictures": lambda: _("At most four pictures can be sent."),
        "picture_unknown": lambda: _("A picture is missing. Choose it again."),
        "blocks": lambda: _("The message cannot be sent like this: %(place)s: %(problem)s") % wrong.values,
        "expired_time": lambda: _("The time until which something can be pressed has passed, or is no day."),
        "target": lambda: (
            _("A press opens an https address, or a mini program written as AppID/page: this is neither: %s")
            % wrong.values["target"]
        ),
        "offer_words": lambda: _("Say in words what is opened: a place to open has none beside it."),
        "only_immediate": lambda: _(
            "Buttons and questions go with an immediate reply only. Send that, or clear them first."
        ),
        "link_too_long": lambda: _("The address of a link has at most 512 characters."),
        "no_payer_message": lambda: _("Only a message of the payer can be marked as agreement."),
        "assignee_cannot": lambda: _("This person cannot see the case or may not reply. Choose somebody else."),
        "amount": lambda: _("The amount to refund must be more than ¥0.00."),
        "amount_too_much": lambda: _("The amount is more than was paid."),
        "order_missing": lambda: _("Say which order is to be refunded."),
        "no_order": lambda: _("The platform names no order for this complaint, so nothing can be refunded from here."),
        "nothing_left": lambda: _("There is nothing left to refund of this order."),
        "refund_unknown": lambda: _("The complaint has no refund of this number."),
        "refund_missing": lambda: _("Several refunds are stuck. Say which one, by its number."),
        "refund_none_stuck": lambda: _(
            "No refund of this complaint is abnormal, so there is nothing to send elsewhere."
        ),
        "card_gone": lambda: _("The card is kept no longer. Decline, and ask anew with the card."),
        "card_bank": lambda: _("Choose the bank: WeChat Pay takes debit cards of the banks that are listed."),
        "card_account": lambda: _("The number of a bank card has 8 to 30 digits."),
        "card_name": lambda: _("Write the name of the card's owner, at most 60 characters."),
        "settle_reason_missing": lambda: _("Say how you know what became of it."),
        "settle_reason_too_long": lambda: _("How you know it has at most 300 characters."),
        "request_decided": lambda: _("Somebody has already decided on this request."),
        "own_request": lambda: _("Another person has to decide: nobody approves a request of their own."),
        "template_name": lambda: _("A template has a name of at most 60 characters."),
        "template_text": lambda: _("A template has a text of at most 1000 characters."),
        "template_variable": lambda: _("There is no such variable: %s.") % wrong.values["names"],
        "template_taken": lambda: _("Another template has this name."),
        "template_red_line": lambda: _("The text crosses a red line, so it was not saved. Change what is marked."),
        "above_your_limit": lambda: _("The amount is above your limit, too."),
    }
    return known[wrong.reason]()


def bank(code: str) -> str:
    """The name of one of ``resending.BANKS``."""
    known: dict[str, Callable[[], str]] = {
        "ICBC_DEBIT": lambda: _("ICBC"),
        "ABC_DEBIT": lambda: _("Agricultural Bank of China"),
        "BOC_DEBIT": lambda: _("Bank of China"),
        "CCB_DEBIT": lambda: _("China Construction Bank"),
        "COMM_DEBIT": lambda: _("Bank of Communications"),
        "PSBC_DEBIT": lambda: _("Postal Savings Bank of China"),
        "CMB_DEBIT": lambda: _("China Merchants Bank"),
        "CITIC_DEBIT": lambda: _("China CITIC Bank"),
        "CEB_DEBIT": lambda: _("China Everbright Bank"),
        "CMBC_DEBIT": lambda: _("China Minsheng Bank"),
        "CIB_DEBIT": lambda: _("Industrial Bank"),
        "SPDB_DEBIT": lambda: _("Shanghai Pudong Development Bank"),
        "PAB_DEBIT": lambda: _("Ping An Bank"),
        "GDB_DEBIT": lambda: _("China Guangfa Bank"),
        "NBCB_DEBIT": lambda: _("Bank of Ningbo"),
    }
    return known[code]()


def picture_refused(wrong: PictureRefused) -> str:
    known: dict[str, Callable[[], str]] = {
        "type": lambda: _("Only JPG, PNG and BMP pictures can be sent."),
        "size": lambda: _("The picture is too large: at most 10 MB, and 2 MB once it is made smaller."),
        "pixels": lambda: _("The picture has too many pixels: at most 40 million."),
        "broken": lambda: _("The picture cannot be read. Save it anew as JPG or PNG."),
    }
    return known[wrong.reason]()


def _who(command: Command) -> str:
    return str(command.actor) if command.actor else _("somebody")
