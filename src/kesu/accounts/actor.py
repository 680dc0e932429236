"""Who does something, through what, and from where. Every verb takes one, and the audit keeps what it says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.http import HttpRequest

from kesu.accounts.models import ApiToken, User


class Via(StrEnum):
    """Through what somebody acts."""

    PAGE = "page"
    API = "api"
    CLI = "cli"
    SYSTEM = "system"
    CARD = "card"
    """A button of a message card; WeCom vouches for who pressed it."""


@dataclass(frozen=True)
class Actor:
    """``address`` is the client's, empty where there is none; ``token`` is the name of the API token that was used, and
    ``key`` the token, which narrows what the person may do; ``operator`` the account of the operating system that acts
    in the person's name.
    """

    user: User
    via: Via
    address: str = ""
    token: str = ""
    operator: str = ""
    key: ApiToken | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Actor:
        """Whoever is signed in on a page. Pages let nobody else in; raises TypeError where one does."""
        if not isinstance(request.user, User):
            raise TypeError("nobody is signed in")
        return cls(request.user, Via.PAGE, address_of(request))


def address_of(request: HttpRequest | None) -> str:
    """The client's address as uvicorn names it, which believes the proxies of ``KESU_TRUSTED_PROXIES`` and nobody
    else."""
    return str(request.META.get("REMOTE_ADDR") or "")[:64] if request is not None else ""
