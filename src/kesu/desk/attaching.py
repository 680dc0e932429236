"""Pictures of a form: taken in with a press, left out again, and sent with its words."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.commands import pictures
from kesu.commands.errors import InvalidCommand
from kesu.commands.pictures import PictureRefused
from kesu.commands.verbs import MOST_PICTURES
from kesu.complaints.models import Complaint
from kesu.desk.answering import opened, with_pictures
from kesu.desk.sheets import Given


def taken_in(request: HttpRequest, complaint: Complaint, given: Given) -> Given:
    """With the files of the request kept as pictures. Raises PictureRefused and InvalidCommand."""
    files = request.FILES.getlist("files")
    if len(files) + len(given.pictures) > MOST_PICTURES:
        raise InvalidCommand("too_many_pictures")
    if any((file.size or 0) > pictures.LARGEST_FILE for file in files):
        raise PictureRefused("size")
    actor, now = Actor.of(request), clock.now()
    return with_pictures(given, [pictures.keep(actor, complaint.account, file.read(), now=now).pk for file in files])


def left_out(request: HttpRequest, complaint: Complaint, given: Given) -> Given:
    """Without the picture whose button ``drop`` was pressed."""
    dropped = opened(request.POST.get("drop", ""), complaint)
    return replace(given, pictures=tuple(number for number in given.pictures if number != dropped))
