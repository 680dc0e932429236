"""The sentence of each guard: what is the matter, why, and what would be better."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kesu.rules.guards import GuardCode

Words = dict[GuardCode, "str | Promise"]
_C = GuardCode

BEFORE_ANYTHING: Words = {
    _C.STALE_READ: _(
        "The case was last read at %(read_at)s. Somebody may have acted in the platform's console since, so read it"
        " again first."
    ),
    _C.COMMAND_UNFINISHED: _(
        "Another step (%(verb)s, %(sent_at)s) is not settled yet. A second one now might reach the payer twice; "
        "please wait until its outcome is known."
    ),
    _C.STATE_UNKNOWN: _(
        "The platform names a state that is not known here (%(state)s). What this step does then is uncertain; read"
        " the case again, and look at it in the platform's console."
    ),
    _C.PLATFORM_SERVICE_RUNNING: _(
        "The platform is helping in this case. What is settled past it may come back; it is better to wait until it"
        " has finished."
    ),
    _C.HIGH_RISK: _(
        "The platform marks this complaint as high-risk and wants it handled first. A full refund is the safest way"
        " to settle it."
    ),
    _C.IMMEDIATE_SERVICE_OWED: _(
        "Immediate service was asked for %(waited_minutes)s ago and nobody has answered (within "
        "%(allowed_minutes)s is meant). Answer with an immediate-service reply first."
    ),
    _C.CAMPAIGN: _(
        "This case may belong to an organised wave of complaints. Refund in full first and leave the case open, "
        "since every closed one can come back as a repeat."
    ),
}

CLOSING: Words = {
    _C.ALREADY_PROCESSED: _(
        "The platform has this case as completed already and refuses a second time. Nothing is left to do."
    ),
    _C.COMPLETE_FROM_PENDING: _(
        "The platform still has this case as pending, that is, without a reply. Whether it can be completed so is "
        "not documented; reply first."
    ),
    _C.NO_REPLY_IN_ROUND: _(
        "No reply was sent since the payer complained. Closing without a word usually brings the complaint back; "
        "reply first."
    ),
    _C.MESSAGE_UNREAD: _(
        "Nobody has opened the payer's last message (%(said_at)s). It may change everything; read it first."
    ),
    _C.MESSAGE_UNANSWERED: _(
        "The payer's last message has no reply yet. The platform may refuse, and the payer may complain again; "
        "reply first."
    ),
    _C.REFUND_RUNNING: _(
        "A refund of %(amount_fen)s is on its way and has not arrived. Until it does the payer has nothing in hand;"
        " wait for the arrival."
    ),
    _C.REFUND_FAILED: _(
        "A refund of %(amount_fen)s did not arrive. The payer still waits for it; send it again before the case is "
        "closed."
    ),
    _C.REFUND_RETURNED: _(
        "A stuck refund of %(amount_fen)s was sent to your own bank account, so the payer has not got it. Make sure "
        "that it was paid in another way, and tell the payer how."
    ),
    _C.REFUND_REQUEST_WAITING: _(
        "A refund of %(amount_fen)s waits for a second person. Once the case is closed the payer may hear of it too "
        "late; have it decided first."
    ),
    _C.REPEATED_NOTHING_CHANGED: _(
        "The last completion was answered by another complaint, and nothing has been done since. Closing again as "
        "it is invites the next one; reply or refund first."
    ),
    _C.REPEATED_BEFORE: _(
        "The payer has complained again after a completion (%(repeats)s so far). Make sure the matter is really "
        "settled; a full refund is the surest way."
    ),
    _C.TOO_MANY_COMPLETIONS: _(
        "This case was completed %(completions)s times, and %(allowed)s are the most that is advisable. Pause here,"
        " keep the evidence, and let somebody in charge decide."
    ),
    _C.NOT_SETTLED: _(
        "Nothing shows yet that the payer is settled: no full refund that arrived, no withdrawal, no agreement. "
        "Refund in full, or mark the message in which the payer agrees."
    ),
    _C.PARTLY_REFUNDED: _(
        "Only %(refunded_fen)s of %(paid_fen)s went back. A part settles a case only if the payer agrees; refund "
        "the rest, or make sure of it."
    ),
    _C.REPEAT_WOULD_COUNT: _(
        "If the payer complains again after this, the case counts as a repeat. Close it only when it is settled."
    ),
    _C.REPEAT_TOLERANCE_SPENT: _(
        "The tolerance for repeat complaints is used up: one more crosses it. Refund in full first, or leave the "
        "case open for now."
    ),
    _C.TIMELY_NOW: _(
        "Completed before %(due_at)s, the case counts as handled in time. There is no gain in closing earlier than "
        "it is settled."
    ),
    _C.COMPLETION_LATE: _(
        "The deadline for completion (%(due_at)s) has passed, so closing quickly gains nothing more. Take the time "
        "to settle it well."
    ),
}

DECIDING: Words = {
    _C.NOT_A_REFUND_COMPLAINT: _(
        "The platform takes this decision for refund requests only, and this complaint is none. Reply to the payer,"
        " or refund directly."
    ),
    _C.DECISION_ALREADY_MADE: _(
        "This request was decided already, and the platform takes one decision only. Continue from there."
    ),
    _C.ORDER_ALREADY_REFUNDED: _(
        "The order is refunded in full already, so the platform takes no decision any more. Tell the payer of the "
        "refund in a reply."
    ),
    _C.APPROVAL_MOVES_NO_MONEY: _(
        "Approving moves no money by itself. Refund together with it; when the money arrives, the platform closes "
        "the case."
    ),
    _C.APPROVAL_PAST_DEADLINE: _(
        "A refund in %(days)s working days comes after the deadline for completion (%(due_at)s), so the case would "
        "be late. Refund today if possible."
    ),
    _C.ASKED_MORE_THAN_LEFT: _(
        "The payer asks for %(asked_fen)s, and %(left_fen)s can still be refunded. Explain the difference in a "
        "reply, so that nobody is surprised."
    ),
    _C.DAYS_NEGATIVE: _("The days until the refund cannot be fewer than 0; 0 means today. Please correct the number."),
    _C.REMARK_TOO_LONG: _("The remark has %(length)s characters and the platform takes %(limit)s. Please shorten it."),
    _C.REJECT_BEFORE_REPLY: _(
        "Nobody has explained anything to the payer in this round, and a refusal closes the case at once. Reply "
        "first, then decide."
    ),
    _C.REJECT_CLOSES: _(
        "Refusing completes the case at once, and the payer can complain again. Make sure that the reason was "
        "explained and understood."
    ),
    _C.REJECT_TRUSTED: _(
        "This payer meets the platform's conditions for fast refunds. A refusal is likely to come back; approving is "
        "usually the better way."
    ),
    _C.REJECT_REASON_MISSING: _("A refusal needs a reason that the payer can read. Please add one."),
    _C.REJECT_REASON_TOO_LONG: _(
        "The reason has %(length)s characters and the platform takes %(limit)s. Please shorten it."
    ),
}

REFUNDING: Words = {
    _C.ORDER_UNKNOWN: _("This order is not part of the complaint. Please choose one of its orders."),
    _C.PAID_UNKNOWN: _(
        "It is not known yet what was paid for this order, so nothing can be refunded safely. Read the case again "
        "first."
    ),
    _C.AMOUNT_NOT_POSITIVE: _("A refund must be more than ¥0.00. Please correct the amount."),
    _C.AMOUNT_OVER_LEFT: _(
        "%(amount_fen)s is more than can still be refunded: %(left_fen)s of %(paid_fen)s paid. Please correct the "
        "amount."
    ),
    _C.ORDER_TOO_OLD: _(
        "The order was paid at %(paid_at)s, and the platform refunds for one year only. Agree on another way with "
        "the payer in a reply."
    ),
    _C.ORDER_OVER_A_MONTH: _(
        "The order is more than a month old, and the platform refunds such orders more slowly. A little patience "
        "may be needed."
    ),
    _C.TOO_MANY_REFUNDS: _(
        "The platform takes %(limit)s refunds of one order, and they are used up. Agree on another way with the "
        "payer in a reply."
    ),
    _C.REFUND_TOO_SOON: _("Refunds of one order must be a minute apart. Please wait until %(possible_at)s."),
    _C.DUPLICATE_REFUND: _(
        "A refund of %(amount_fen)s for this order is on its way already. A second one might pay twice; wait for "
        "the outcome of the first."
    ),
    _C.ABNORMAL_REFUND: _(
        "A refund of %(amount_fen)s for this order is stuck. Send that one again instead of a new one, so that the "
        "payer is not paid twice."
    ),
    _C.REFUNDS_FORBIDDEN: _(
        "The platform has closed refunds for this merchant, so it would refuse. Have the limitation lifted, and "
        "tell the payer how it goes on in a reply."
    ),
    _C.DECIDE_FIRST: _(
        "The payer's refund request is not decided. Once the order is refunded it cannot be approved any more; "
        "approve it first."
    ),
    _C.REFUNDED_ELSEWHERE: _(
        "Part went back elsewhere (refunds not made here: %(refunds)s), so what is left is uncertain. Please look at "
        "the order in the merchant console first."
    ),
    _C.LESS_THAN_ASKED: _(
        "The payer asks for %(asked_fen)s and with this %(amount_fen)s went back in all. Less seldom settles a case; "
        "refund it all, or agree on it first."
    ),
    _C.PARTIAL_REFUND: _(
        "This refunds a part: %(left_fen)s could be refunded. Only a full refund settles a case without the payer's"
        " agreement."
    ),
    _C.REFUND_REASON_TOO_LONG: _(
        "The reason has %(length)s bytes and the platform takes %(limit)s (a Chinese character has 3). Please "
        "shorten it."
    ),
    _C.REFUND_REASON_HIDDEN: _(
        "The platform does not show the reason of a partial refund up to ¥1.00. Tell the payer in a reply as well."
    ),
}

RESENDING: Words = {
    _C.REFUND_NOT_STUCK: _(
        "Only a refund that is abnormal at WeChat Pay can be sent elsewhere, and this one is not. Wait for what "
        "becomes of it."
    ),
    _C.RESEND_TO_CARD: _(
        "%(amount_fen)s goes to the bank card that you type, and WeChat Pay does not call it back. Make sure that the "
        "payer named this card and that it is in the payer's own name."
    ),
    _C.RESEND_TO_MERCHANT: _(
        "%(amount_fen)s goes to your own bank account and the payer gets nothing by it. Agree with the payer how you "
        "pay, and keep the proof."
    ),
}

WRITING: Words = {
    _C.REPLY_EMPTY: _("A reply needs words, the platform takes none without. Please write something."),
    _C.REPLY_TOO_LONG: _(
        "The reply has %(length)s characters and %(limit)s are allowed. Please shorten it, or send the rest in a "
        "second one."
    ),
    _C.REPLY_SAME: _(
        "These very words were sent already at %(sent_at)s. Repeating them may feel like a machine; better say what"
        " is new."
    ),
    _C.REPLY_TO_PROCESSED: _(
        "The case is completed. Whether the platform still delivers a reply is not documented, and the case does "
        "not reopen by it."
    ),
    _C.REPLY_LATE: _(
        "The deadline for the first reply (%(due_at)s) has passed. Reply now all the same; the deadline for "
        "completion still runs."
    ),
    _C.TOO_MANY_PICTURES: _("There are %(pictures)s pictures and the platform takes %(limit)s. Please leave some out."),
    _C.LINKS_NOT_ALLOWED: _(
        "The platform lets this merchant send no links or mini programs, it would refuse. Please say it in words, "
        "or ask the platform to open it."
    ),
    _C.LINK_INCOMPLETE: _(
        "A link needs its address and its words; a mini program needs its appid, path and words. Please complete it."
    ),
    _C.LINK_NOT_HTTPS: _("The platform takes only links that begin with https://. Please correct it."),
    _C.LINK_TEXT_TOO_LONG: _(
        "The words of the link have %(length)s characters and the platform takes %(limit)s. Please shorten them."
    ),
    _C.IMMEDIATE_SERVICE_NOT_WANTED: _(
        "The platform takes immediate-service replies only where the payer needs immediate service. Please send a "
        "usual reply."
    ),
}

INSIDE: Words = {
    _C.NOTE_EMPTY: _("The note is empty. Please write something."),
    _C.NOTE_STAYS_HERE: _("A note is for colleagues: the payer does not see it, and it is no reply."),
    _C.ASSIGNEE_INACTIVE: _("%(to)s cannot sign in any more, so the case would lie idle. Please choose somebody else."),
    _C.ASSIGNEE_CANNOT_SEE: _(
        "%(to)s may not see this merchant's cases. Please choose somebody else, or give access first."
    ),
    _C.CLAIMED_BY_OTHER: _("%(name)s is already on this case. To avoid two different answers, agree with them first."),
    _C.CLAIM_STOPS_NO_CLOCK: _("Claiming stops no deadline: the case is to be completed before %(due_at)s."),
    _C.CASE_CLOSED: _(
        "The platform has this case as completed. There is nothing to do unless the payer complains again."
    ),
}

SENTENCES: Words = BEFORE_ANYTHING | CLOSING | DECIDING | REFUNDING | RESENDING | WRITING | INSIDE
