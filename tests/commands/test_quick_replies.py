"""Templates: filled in for a case, and never across a red line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import Role, User
from kesu.accounts.roles import Forbidden
from kesu.commands import quick_replies
from kesu.commands.errors import InvalidCommand
from kesu.commands.models import QuickReply
from kesu.commands.starters import STARTERS

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def owner(db):
    return Actor(User.objects.create_user("owner", password="a-long-password", role=Role.OWNER), Via.PAGE)


@pytest.mark.parametrize("starter", STARTERS, ids=[starter.name for starter in STARTERS])
def test_every_starter_passes_the_red_lines_and_knows_its_variables(starter):
    assert quick_replies.findings_in(starter.text) == ()
    assert quick_replies.unknown_variables(starter.text) == []
    assert len(starter.text) <= 200


def test_a_fresh_desk_has_the_starters_and_their_names_differ(db):
    assert len({starter.name for starter in STARTERS}) == len(STARTERS)


def test_a_template_across_a_red_line_is_not_saved(owner):
    with pytest.raises(InvalidCommand) as wrong:
        quick_replies.save(owner, None, name="不好", text="您撤诉后我们再给您退款{amount}", now=NOW)
    assert wrong.value.reason == "template_red_line"
    assert wrong.value.values["findings"]
    assert not QuickReply.objects.filter(name="不好").exists()


def test_an_unknown_variable_is_named(owner):
    with pytest.raises(InvalidCommand) as wrong:
        quick_replies.save(owner, None, name="新", text="您好{nobody}", now=NOW)
    assert (wrong.value.reason, wrong.value.values["names"]) == ("template_variable", "nobody")


def test_a_name_is_taken_once_a_merchant(owner):
    first = quick_replies.save(owner, None, name="新", text="您好, 请说明您的诉求。", now=NOW)
    with pytest.raises(InvalidCommand):
        quick_replies.save(owner, None, name="新", text="您好, 请说明您的诉求。", now=NOW)
    changed = quick_replies.save(owner, first, name="新", text="您好, 请问您希望怎样处理?", now=NOW)
    assert changed.pk == first.pk


def test_agents_use_templates_and_do_not_change_them(owner):
    agent = Actor(User.objects.create_user("agent", password="a-long-password", role=Role.AGENT), Via.PAGE)
    with pytest.raises(Forbidden):
        quick_replies.save(agent, None, name="新", text="您好, 请说明您的诉求。", now=NOW)
