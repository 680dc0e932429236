"""A person's own saved views: a name for a list and its filters. Pages and the REST API call these functions; nobody
sees or changes somebody else's. They are bookmarks: the audit does not name them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, Person, require
from kesu.complaints.models import SavedView
from kesu.complaints.narrowing import Narrowing
from kesu.complaints.search import typed

MOST_VIEWS = 30
LONGEST_NAME = 40
LONGEST_QUERY = 1000


class SavedViewError(Exception):
    """``reason`` is a word for programs; as text it is a sentence in the active language."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        known: dict[str, Callable[[], str]] = {
            "nameless": lambda: _("Give the view a name."),
            "too_many_filters": lambda: _("This view has too many filters to be saved."),
            "too_many_views": lambda: _("You have %(most)s views. Remove one first.") % {"most": MOST_VIEWS},
        }
        return known[self.reason]()


def of(person: Person) -> QuerySet[SavedView]:
    """By name."""
    return SavedView.objects.filter(user=person.pk).order_by("name")


@transaction.atomic
def save(actor: Actor, name: str, asked: Narrowing, *, now: datetime) -> SavedView:
    """A name that stands already gets the new list. Raises Forbidden, SavedViewError."""
    require(actor.user, Permission.VIEW)
    name = typed(name)[:LONGEST_NAME]
    if not name:
        raise SavedViewError("nameless")
    if len(asked.query) > LONGEST_QUERY:
        raise SavedViewError("too_many_filters")
    if of(actor.user).exclude(name=name).count() >= MOST_VIEWS:
        raise SavedViewError("too_many_views")
    values = {"query": asked.query, "created_at": now}
    return SavedView.objects.update_or_create(user=actor.user, name=name, defaults=values)[0]


def remove(actor: Actor, pk: int) -> None:
    """Raises Forbidden, SavedView.DoesNotExist; somebody else's is not there."""
    require(actor.user, Permission.VIEW)
    of(actor.user).get(pk=pk).delete()
