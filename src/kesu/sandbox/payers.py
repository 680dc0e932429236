"""Payers who act by themselves: each has a temperament, a table of what they do after what happened.

Seeded, so that the same seed tells the same story. With quiet payers nothing here ever acts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kesu.sandbox import payer_acts, presses
from kesu.sandbox.errors import ScriptError
from kesu.sandbox.payer_acts import DISSATISFIED, SATISFIED, Wish
from kesu.sandbox.platform import Platform
from kesu.sandbox.state import Appointment, Complaint, Entry


@dataclass(frozen=True)
class Reaction:
    """`do` one of the payer's verbs, `after` between so many minutes, with some chance.

    unless: what makes it pointless by then: `answered` (no message awaits the merchant), `refunded`,
    `many` (complained three times already).
    """

    do: str
    after: tuple[float, float]
    texts: tuple[str, ...] = ("",)
    chance: float = 1.0
    unless: str | None = None


OPENED, REPLIED, COMPLETED, REFUNDED, CONTINUED = "opened", "replied", "completed", "refunded", "continued"

TRIGGERS = {
    "USER_CREATE_COMPLAINT": OPENED,
    "MERCHANT_RESPONSE": REPLIED,
    "MERCHANT_CONFIRM_COMPLETE": COMPLETED,
    "MERCHANT_REFUSE_RERUND": COMPLETED,
    "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE": REFUNDED,
    "USER_CONTINUE_COMPLAINT": CONTINUED,
}

HOUR, DAY = 60.0, 1440.0
_URGE = ("还有人处理吗? 我等了很久了。", "请尽快给个答复。", "在吗? 说好的处理呢。")
_THANKS = ("好的, 收到, 谢谢。", "退款收到了, 麻烦了。", "可以, 就这样吧。")
_ANGRY = (
    "到底退不退? 不退我天天投诉!",
    "复制粘贴的话就不用发了, 给我解决问题。",
    "你们就是骗子, 我要曝光你们。",
    "已经打12315了, 等着吧。",
)
_NOT_SETTLED = ("问题没有解决就点完成, 继续投诉。", "钱没退你们就结了? 继续投诉!", "没人联系我, 不同意办结。")
_PROFESSIONAL = (
    "贵司涉嫌虚假宣传, 依据消费者权益保护法第五十五条, 要求退一赔三, 不足500按500。",
    "本人已保留全部证据, 不接受仅退款, 请支付赔偿金。",
    "如不赔偿, 我将组织更多消费者共同投诉。",
)

TEMPERAMENTS: dict[str, dict[str, tuple[Reaction, ...]]] = {
    "patient": {
        OPENED: (Reaction("message", (20 * HOUR, 26 * HOUR), _URGE, unless="answered"),),
        REPLIED: (Reaction("message", (20, 180), _THANKS, chance=0.5),),
        COMPLETED: (Reaction("satisfied", (30, 6 * HOUR), ("处理及时",), chance=0.8),),
    },
    "angry": {
        OPENED: (
            Reaction("message", (15, 50), _ANGRY, unless="answered"),
            Reaction("message", (4 * HOUR, 6 * HOUR), _ANGRY, unless="answered"),
            Reaction(
                "apply_platform_service", (24 * HOUR, 30 * HOUR), ("商家一直不处理, 请平台介入",), unless="answered"
            ),
        ),
        CONTINUED: (Reaction("message", (15, 50), _ANGRY, unless="answered"),),
        REPLIED: (Reaction("message", (5, 90), _ANGRY, chance=0.6, unless="refunded"),),
        COMPLETED: (
            Reaction("dissatisfied", (5, 40), ("根本没有解决",), chance=0.7, unless="refunded"),
            Reaction("continue", (60, 5 * HOUR), _NOT_SETTLED, unless="refunded"),
        ),
    },
    "forgetful": {},
    "satisfied_by_refund": {
        REPLIED: (Reaction("message", (30, 240), ("什么时候能退款到账?",), chance=0.5, unless="refunded"),),
        REFUNDED: (
            Reaction("message", (3, 60), _THANKS, chance=0.6),
            Reaction("satisfied", (10, 120), ("退款已收到",)),
        ),
        COMPLETED: (
            Reaction("continue", (3 * HOUR, 20 * HOUR), _NOT_SETTLED, unless="refunded"),
            Reaction("satisfied", (10, 300), ("满意",), chance=0.6),
        ),
    },
    "professional": {
        OPENED: (Reaction("message", (5, 20), _PROFESSIONAL),),
        REPLIED: (Reaction("message", (2, 30), _PROFESSIONAL, chance=0.7),),
        COMPLETED: (
            Reaction("dissatisfied", (1, 10), ("不接受",)),
            Reaction("continue", (10, 60), _PROFESSIONAL, unless="many"),
        ),
    },
}

_COMMON = ("patient", "angry", "forgetful", "satisfied_by_refund", "professional")
_HOW_COMMON = (40, 20, 15, 20, 5)
_TAGS: tuple[tuple[str, ...], ...] = ((), ("TRUSTED",), ("HIGH_RISK",))

# New complaints by themselves: the mean distance in minutes until so many have come, then the next pace.
_PACE = ((12, 1 / 3), (40, 4.0), (1_000_000, 20.0))
_MADE_UP_AFTER_A_JUMP = 5

Verb = Callable[[Platform, Complaint, str, datetime], None]

VERBS: dict[str, Verb] = {
    "message": lambda p, c, text, now: payer_acts.message(p, c, text or "请问处理得怎么样了?", now=now),
    "press": lambda p, c, text, now: presses.press(p, c, text, now=now),
    "continue": lambda p, c, text, now: payer_acts.continue_complaint(p, c, text or _NOT_SETTLED[0], now=now),
    "satisfied": lambda p, c, text, now: payer_acts.rate(p, c, SATISFIED, text, now=now),
    "dissatisfied": lambda p, c, text, now: payer_acts.rate(p, c, DISSATISFIED, text, now=now),
    "apply_platform_service": lambda p, c, text, now: payer_acts.apply_platform_service(
        p, c, text or "请平台介入处理", now=now
    ),
    "cancel_platform_service": lambda p, c, text, now: payer_acts.cancel_platform_service(
        p, c, text or "不需要平台介入了", now=now
    ),
    "finish_platform_service": lambda p, c, text, now: payer_acts.finish_platform_service(
        p, c, text or "平台协助已结束", now=now
    ),
    "platform_message": lambda p, c, text, now: payer_acts.platform_message(
        p, c, text or "请商家尽快与用户协商", now=now
    ),
    "platform_urge": lambda p, c, text, now: payer_acts.platform_urge(p, c, text or "用户催促, 请尽快处理", now=now),
}
"""Everything that can be done to a complaint by others than the merchant."""


class Payers:
    """Listens to the platform and puts what payers will do on its agenda."""

    def __init__(self, platform: Platform, *, quiet: bool) -> None:
        self._platform = platform
        self.quiet = quiet
        platform.listeners.append(self.hear)

    def some_temperament(self) -> str:
        return self._platform.random.choices(_COMMON, _HOW_COMMON)[0]

    def hear(self, complaint: Complaint, entry: Entry) -> None:
        """Make appointments for what this payer will do about it."""
        trigger = TRIGGERS.get(entry.operate_type)
        if self.quiet or trigger is None or complaint.temperament is None:
            return
        random = self._platform.random
        for reaction in TEMPERAMENTS[complaint.temperament].get(trigger, ()):
            if random.random() < reaction.chance:
                self._platform.agenda.add(
                    entry.operated_at + timedelta(minutes=random.uniform(*reaction.after)),
                    "payer",
                    complaint_id=complaint.complaint_id,
                    do=reaction.do,
                    text=random.choice(reaction.texts),
                    unless=reaction.unless,
                )

    def act(self, appointment: Appointment) -> bool:
        """Keep an appointment, at the time it was made for. False when it has become pointless."""
        data = appointment.data
        complaint = self._platform.complaint(data["complaint_id"])
        if self.quiet or self._is_pointless(complaint, data["unless"]):
            return False
        try:
            VERBS[data["do"]](self._platform, complaint, data["text"], appointment.due_at)
        except ScriptError:
            return False
        return True

    def start_opening(self, now: datetime) -> None:
        """Let complaints come by themselves from now on, if they do not already."""
        if not self._platform.agenda.has("opening"):
            self._platform.agenda.add(now + self._distance(), "opening")

    def open_some(self, appointment: Appointment, now: datetime) -> None:
        """A new complaint; after a long jump of the clock only a few of the missed ones are made up."""
        if self.quiet:
            return
        random = self._platform.random
        shops = self._platform.identity.shops
        wish = Wish(
            mchid=random.choice(shops),
            user_tag_list=list(random.choices(_TAGS, (80, 14, 6))[0]),
            need_immediate_service=random.random() < 0.05,
            temperament=self.some_temperament(),
        )
        payer_acts.open_complaint(self._platform, wish, now=appointment.due_at)
        self._platform.state.openings += 1
        due_at = appointment.due_at + self._distance()
        earliest = now - self._mean() * _MADE_UP_AFTER_A_JUMP
        self._platform.agenda.add(max(due_at, earliest), "opening")

    def _mean(self) -> timedelta:
        opened = self._platform.state.openings
        return timedelta(minutes=next(minutes for until, minutes in _PACE if opened < until))

    def _distance(self) -> timedelta:
        return self._mean() * min(self._platform.random.expovariate(1.0), 4.0)

    def _is_pointless(self, complaint: Complaint, unless: str | None) -> bool:
        if unless == "answered":
            return not complaint.incoming_user_response
        if unless == "refunded":
            return self._platform.is_fully_refunded(complaint)
        return unless == "many" and complaint.times >= 4
