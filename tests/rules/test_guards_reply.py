"""Before the payer is written to, and before what stays in the desk."""

import pytest

from kesu.rules.deadlines import PROFILES
from kesu.rules.guards import (
    Act,
    Assign,
    CaseFacts,
    Claim,
    GuardCode,
    GuardProfile,
    Jump,
    Level,
    Note,
    Reply,
    Restrictions,
)
from tests.guard_cases import (
    FINISHED,
    RAISED,
    REPLIED,
    WROTE,
    CommandState,
    at,
    case,
    codes,
    command,
    judged,
    level,
)

HELLO = Reply("您好, 已为您退款")
B, C, I = Level.BLOCK, Level.CONFIRM, Level.INFO  # noqa: E741
FIRST = case(RAISED, state="PENDING")
MAY_LINK = case(restrictions=Restrictions(jumps_allowed=True))
URGENT = case(RAISED, state="PENDING", need_immediate_service=True)
CLOSED = case(RAISED, REPLIED, FINISHED, state="PROCESSED", now=4)
LINK = Jump(url="https://shop.example/r", text="查看进度")


def test_a_first_reply_in_time_meets_nothing() -> None:
    assert judged(HELLO, FIRST) == {}


SENTENCES: list[tuple[str, Act, CaseFacts, GuardCode, Level | None]] = [
    ("an empty reply blocks", Reply("  \n"), FIRST, GuardCode.REPLY_EMPTY, B),
    ("pictures alone are no reply", Reply("", pictures=1), FIRST, GuardCode.REPLY_EMPTY, B),
    ("but an immediate one", Reply("", pictures=1, immediate=True), URGENT, GuardCode.REPLY_EMPTY, None),
    ("200 characters fit", Reply("好" * 200), FIRST, GuardCode.REPLY_TOO_LONG, None),
    ("201 do not", Reply("好" * 201), FIRST, GuardCode.REPLY_TOO_LONG, B),
    ("an emoji is one", Reply("😀" * 200), FIRST, GuardCode.REPLY_TOO_LONG, None),
    (
        "an account may be allowed 500",
        Reply("好" * 500),
        case(RAISED, state="PENDING", profile=GuardProfile(reply_limit=500)),
        GuardCode.REPLY_TOO_LONG,
        None,
    ),
    ("an immediate one asks only", Reply("好" * 201, immediate=True), URGENT, GuardCode.REPLY_TOO_LONG, C),
    ("four pictures fit", Reply("图", pictures=4), FIRST, GuardCode.TOO_MANY_PICTURES, None),
    ("five do not", Reply("图", pictures=5), FIRST, GuardCode.TOO_MANY_PICTURES, B),
    ("a link is not for every account", Reply("看", jumps=(LINK,)), FIRST, GuardCode.LINKS_NOT_ALLOWED, B),
    ("only for those who were let in", Reply("看", jumps=(LINK,)), MAY_LINK, GuardCode.LINKS_NOT_ALLOWED, None),
    ("a link needs its words", Reply("看", jumps=(Jump(url=LINK.url),)), MAY_LINK, GuardCode.LINK_INCOMPLETE, B),
    ("words need their link", Reply("看", jumps=(Jump(text="进度"),)), MAY_LINK, GuardCode.LINK_INCOMPLETE, B),
    ("a link is safe", Reply("看", jumps=(Jump("http://a.example", "进度"),)), MAY_LINK, GuardCode.LINK_NOT_HTTPS, B),
    (
        "a link's words are short",
        Reply("看", jumps=(Jump(LINK.url, "看" * 11),)),
        MAY_LINK,
        GuardCode.LINK_TEXT_TOO_LONG,
        B,
    ),
    (
        "so are a mini program's",
        Reply("看", jumps=(LINK, Jump(appid="wx1", path="p", text="看" * 11))),
        MAY_LINK,
        GuardCode.LINK_TEXT_TOO_LONG,
        B,
    ),
    ("ten fit", Reply("看", jumps=(Jump(LINK.url, "看" * 10),)), MAY_LINK, GuardCode.LINK_TEXT_TOO_LONG, None),
    (
        "a mini program needs all three",
        Reply("看", jumps=(Jump(appid="wx1", text="进度"),)),
        MAY_LINK,
        GuardCode.LINK_INCOMPLETE,
        B,
    ),
    (
        "with all three it is whole",
        Reply("看", jumps=(Jump(appid="wx1", path="p", text="进度"),)),
        MAY_LINK,
        GuardCode.LINK_INCOMPLETE,
        None,
    ),
    (
        "in an immediate answer the appid will do",
        Reply("看", jumps=(Jump(appid="wx1"),), immediate=True),
        MAY_LINK,
        GuardCode.LINK_INCOMPLETE,
        None,
    ),
    ("a finished case asks", HELLO, CLOSED, GuardCode.REPLY_TO_PROCESSED, C),
    ("the same words again ask", Reply("您好, 正在核实"), case(), GuardCode.REPLY_SAME, C),
    ("other words do not", HELLO, case(), GuardCode.REPLY_SAME, None),
    ("a late first reply is told", HELLO, case(RAISED, state="PENDING", now=24), GuardCode.REPLY_LATE, I),
    (
        "by the calendar there is time until midnight of the next day",
        HELLO,
        case(RAISED, state="PENDING", now=24, deadlines=PROFILES["calendar"]),
        GuardCode.REPLY_LATE,
        None,
    ),
    ("a second reply is never late", HELLO, case(now=30), GuardCode.REPLY_LATE, None),
    ("what nobody has read asks", HELLO, case(RAISED, REPLIED, WROTE, opened_at=at(1.2)), GuardCode.MESSAGE_UNREAD, C),
    ("an immediate answer is wanted", HELLO, URGENT, GuardCode.IMMEDIATE_SERVICE_OWED, I),
    ("an immediate answer is one", Reply("在", immediate=True), URGENT, GuardCode.IMMEDIATE_SERVICE_OWED, None),
    ("nobody asked for one", Reply("在", immediate=True), FIRST, GuardCode.IMMEDIATE_SERVICE_NOT_WANTED, B),
    (
        "an answer of unknown fate blocks",
        HELLO,
        case(commands=(command(CommandState.UNKNOWN),)),
        GuardCode.COMMAND_UNFINISHED,
        B,
    ),
    ("an old picture blocks", HELLO, case(RAISED, state="PENDING", now=1), GuardCode.STALE_READ, B),
    ("high risk is told", HELLO, case(user_tags=frozenset({"HIGH_RISK"})), GuardCode.HIGH_RISK, I),
    ("platform service is told", HELLO, case(in_platform_service=True), GuardCode.PLATFORM_SERVICE_RUNNING, I),
    ("an attack is told", HELLO, case(in_campaign=True), GuardCode.CAMPAIGN, I),
    ("an empty note blocks", Note(" "), FIRST, GuardCode.NOTE_EMPTY, B),
    ("a note is no reply", Note("问过仓库"), FIRST, GuardCode.NOTE_STAYS_HERE, I),
    ("somebody who left cannot take it", Assign("li", active=False), FIRST, GuardCode.ASSIGNEE_INACTIVE, B),
    ("nor who may not see it", Assign("li", may_see=False), FIRST, GuardCode.ASSIGNEE_CANNOT_SEE, B),
    ("taking it from a colleague asks", Assign("li"), case(claimed_by="wang"), GuardCode.CLAIMED_BY_OTHER, C),
    ("so does claiming it", Claim("li"), case(claimed_by="wang"), GuardCode.CLAIMED_BY_OTHER, C),
    ("claiming one's own does not", Claim("li"), case(claimed_by="li"), GuardCode.CLAIMED_BY_OTHER, None),
    ("a claim stops no clock", Claim("li"), FIRST, GuardCode.CLAIM_STOPS_NO_CLOCK, I),
    ("a finished case has none", Claim("li"), CLOSED, GuardCode.CLAIM_STOPS_NO_CLOCK, None),
    ("a finished case is told", Claim("li"), CLOSED, GuardCode.CASE_CLOSED, I),
]


@pytest.mark.parametrize(
    ("act", "facts", "code", "grave"), [line[1:] for line in SENTENCES], ids=[line[0] for line in SENTENCES]
)
def test_before_writing(act: Act, facts: CaseFacts, code: GuardCode, grave: Level | None) -> None:
    read_at = (facts.read_at - RAISED.operate_time).total_seconds() / 3600
    assert level(act, facts, code, now=max(2, read_at)) is grave


def test_what_the_desk_does_for_itself_needs_no_fresh_read() -> None:
    old = case(commands=(command(CommandState.SENDING),), now=1)
    for act in (Note("问过仓库"), Assign("li"), Claim("li")):
        assert codes(act, old) == set()


def test_how_long_an_immediate_answer_has_been_wanted() -> None:
    found = judged(HELLO, URGENT)[GuardCode.IMMEDIATE_SERVICE_OWED]
    assert found.values == {"waited_minutes": 120, "allowed_minutes": 10}
