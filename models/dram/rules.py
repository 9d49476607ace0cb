"""Timing rules as rows of data, and their resolution into clocks.

A row says: within one `scope`, `following` may issue at the earliest `latency` clocks after the `window`-th last
`preceding`; in the scope "other rank" the two are in different ranks of the channel. `latency` is an expression over a
preset's timing names ("WL + BL_CK + tWTR_S"). The controller and the checker both read these rows, and share nothing
else.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterable, Mapping
from typing import NamedTuple

COMMANDS = ("ACT", "PRE", "PREA", "RD", "WR", "REF", "REFPB", "RDA", "WRA")
#: Commands that take a rank, not a bank.
RANK_COMMANDS = ("PREA", "REF")
SCOPES = ("bank", "group", "rank", "other rank")

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


class Rule(NamedTuple):
    """A row of a standard's table; `name` is the standard's name of the constraint."""

    name: str
    scope: str
    preceding: str
    following: str
    latency: str
    window: int = 1


class ResolvedRule(NamedTuple):
    """A rule with its distance in clocks."""

    name: str
    scope: str
    preceding: str
    following: str
    clocks: int
    window: int


def evaluate(expression: str, timing: Mapping[str, int]) -> int:
    """Value of a sum, difference or product of timing names and integers.

    Raises KeyError for a name that `timing` lacks, ValueError for anything else than these three operations.
    """

    def value(node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int() as number) if not isinstance(number, bool):
                return number
            case ast.Name(id=name):
                if name not in timing:
                    raise KeyError(f"{expression!r}: no timing is called {name!r}")
                return timing[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return int(_OPERATORS[type(op)](value(left), value(right)))
        raise ValueError(f"{expression!r}: expected names and integers joined by + - *")

    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        raise ValueError(f"{expression!r}: expected names and integers joined by + - *") from None
    return value(tree.body)


def resolve(rows: Iterable[Rule], timing: Mapping[str, int]) -> tuple[ResolvedRule, ...]:
    """The rows with integer clocks, in their order. Raises ValueError for an unknown scope or command."""
    resolved = []
    for row in rows:
        if row.scope not in SCOPES or row.preceding not in COMMANDS or row.following not in COMMANDS:
            raise ValueError(f"{row}: expected a scope of {SCOPES} and commands of {COMMANDS}")
        # A difference may come out negative (WR to RD of another rank): then the order of commands says more.
        clocks = max(evaluate(row.latency, timing), 0)
        resolved.append(ResolvedRule(row.name, row.scope, row.preceding, row.following, clocks, row.window))
    return tuple(resolved)
