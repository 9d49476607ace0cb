"""Phases and results of the non-blocking transport (IEEE 1666-2011, clause 15.2)."""

from __future__ import annotations

import enum
from typing import ClassVar


class Phase:
    """A phase of a transaction: one of the base protocol's four, or a model's own, `Phase("NAME")`.

    Compared by identity.
    """

    __slots__ = ("name",)

    BEGIN_REQ: ClassVar[Phase]
    END_REQ: ClassVar[Phase]
    BEGIN_RESP: ClassVar[Phase]
    END_RESP: ClassVar[Phase]

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


Phase.BEGIN_REQ = Phase("BEGIN_REQ")
Phase.END_REQ = Phase("END_REQ")
Phase.BEGIN_RESP = Phase("BEGIN_RESP")
Phase.END_RESP = Phase("END_RESP")


class Sync(enum.Enum):
    """What a non-blocking call returns."""

    ACCEPTED = 0
    """Phase and delay are as the caller gave them; the other side will call back."""
    UPDATED = 1
    """Phase and delay were changed: that is the answer."""
    COMPLETED = 2
    """The transaction is over."""
