"""How an address is described to the walk of ``test_gate``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kesu.accounts.roles import Permission


@dataclass(frozen=True)
class Gate:
    """One way through one address.

    ``permission`` None asks for a signed-in person only. ``places``: values of the address's parameters, from a side
    of the world (its complaint, picture, link and so on); an address that has them shows one complaint and nothing
    else. ``queries`` are questions that are asked too, beside none.
    """

    permission: Permission | None = None
    method: str = "GET"
    public: bool = False
    places: Callable[[Any], Mapping[str, Any]] | None = None
    queries: Callable[[list[Any]], list[str]] = lambda sides: []
    bare: bool = True
    """Whether it is asked without a query too."""
    data: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    of_complaint: bool = True
    """Whether the places name something of a merchant; else they only fill the address."""

    scope: str = ""
    """What a token must have for it; the scope of ``permission`` by default."""


PUBLIC = Gate(public=True)
"""Nobody need be signed in: sign-in itself, and what others call with proofs of their own."""
OWN = Gate()
"""For every signed-in person, about themselves."""
