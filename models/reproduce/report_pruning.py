"""What pruning computes and reads, in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Column, Section, Table

from .figures import Found, figure, share
from .pruning import REMOVED, SAVED
from .sensitivity import reach
from .training_variants import EPOCHS
from .verdict import Compared, Verdict, judged

__all__ = ["pruning_rows", "pruning_sections"]


def pruning_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[Compared]:
    """Computation saved, against the full algorithm in the same events and in its own; accesses removed; in percent.

    Ratios are of what is left.
    """
    saved, removed = found["operations"]["total"], found["accesses_removed_percent"]
    ends: dict[str, tuple[float | None, float | None]] = {}
    for of, number in ((SAVED, saved["fewer_percent"]), (REMOVED, removed)):
        of_it = [one for one in found["sensitivities"] if one["of"] == of and one["rows"]]
        ends[of] = (None, None) if number is None or not of_it else reach(number, of_it)
    rows = [
        _computation(
            f"{claim}: computation, all pairs in the same events", published[0], found["operations"], ends[SAVED]
        ),
        _computation(
            f"{claim}: computation, full algorithm in its own events",
            published[0],
            found["full"]["operations"],
            (None, None),
        ),
    ]
    left = None if removed is None else _quotient(100 - removed, 100 - published[1]["value"])
    rows.append(
        Compared(
            f"{claim}: accesses",
            figure(published[1]),
            removed,
            *ends[REMOVED],
            left,
            "nothing",
            _accesses(removed, published[1]["value"], found),
        )
    )
    return rows


def _computation(
    claim: str, published: Mapping[str, Any], operations: Found, ends: tuple[float | None, float | None]
) -> Compared:
    """How much is left of it, against what is left as published."""
    saved, value = operations["total"]["fewer_percent"], published["value"]
    least, greatest = (saved if end is None else end for end in ends)
    kind = judged(value, least, saved, greatest)
    parts = "fewer: " + ", ".join(f"{part} {_fewer(operations[part])}" for part in ("coarse", "fine", "total"))
    ratio = _quotient(operations["total"]["left_percent"], 100 - value)
    text = parts
    if kind != "reached":
        text = f"{kind}: {operations['total']['left_percent']:.3g} % are left instead of {100 - value:.2g} %; {parts}"
    return Compared(claim, figure(published), saved, *ends, ratio, "nothing", Verdict(kind, text))


def _fewer(row: Mapping[str, float]) -> str:
    """In percent, or by how many times it became more."""
    return (
        f"{row['fewer_percent']:.2f} %" if row["fewer_percent"] >= 0 else f"{row['left_percent'] / 100:.1f} x as many"
    )


def _quotient(above: float, below: float) -> float | None:
    """None where nothing is left as published."""
    return above / below if below > 1e-9 else None


def _accesses(removed: float | None, value: float, found: Found) -> Verdict:
    seen = (
        f"{found['shared']['coverage_percent']:.1f} % of the weights were seen as they passed by, over "
        f"{found['simulated']['events_simulated']} of {found['simulated']['events']} layer events"
    )
    beyond = found["full"]["shared"]["coverage_percent"]
    fetched = (
        f"; with all channels compared and the smallest buffer on record, {beyond:.1f} % are seen, the others fetched "
        "from DRAM"
    )
    if removed is None:
        return Verdict("none", f"no access in either: {seen}")
    if removed < value:
        return Verdict("miss", f"miss by {value - removed:.1f} points: {seen}{fetched}")
    return Verdict("follows", f"follows from the assumption that two passes deliver all weights: {seen}{fetched}")


def pruning_sections(claim: str, found: Found) -> list[Section]:
    """Operations by kind on both bases, and what a shared and a separate unit read and wait."""
    units = (found["shared"], found["separate"])
    waits = (("lanes wait at weight ports", "lanes_waiting_clocks"), ("pruning waits there", "pruning_waiting_clocks"))
    one_port = found["one_port"]
    rows = [
        ["accesses to the weight memories for pruning", *(unit["weight_memory_accesses"] for unit in units)],
        ["weights seen as they pass by, %", *(unit["coverage_percent"] for unit in units)],
        ["clocks that lanes wait at weight ports", *(unit["lanes_waiting_clocks"] for unit in units)],
        ["clocks that pruning waits there", *(unit["pruning_waiting_clocks"] for unit in units)],
        *(
            [
                f"with one port, two iterations of a training of {EPOCHS} epochs: clocks that {what}",
                one_port["shared"][key],
                one_port["separate"][key],
            ]
            for what, key in (waits if one_port else ())
        ),
        ["mean delay until a mask is there, us", *(unit["mean_delay_ps"] / 1e6 for unit in units)],
        ["energy of the pruning unit, uJ", *(unit["pruning_energy_fj"] / 1e9 for unit in units)],
        ["energy of weight-memory reads, uJ", *(unit["weight_memory_read_energy_fj"] / 1e9 for unit in units)],
        ["energy of the chip, uJ", *(unit["chip_energy_fj"] / 1e9 for unit in units)],
        ["elapsed time, us", *(unit["time_ps"] / 1e6 for unit in units)],
    ]
    return [
        Section(
            claim,
            [
                _operations(
                    found["operations"],
                    "all pairs, same events",
                    f"Pruning computation over the training ({_extent(found['training'])})",
                    "Fine pruning compares every weight in every event, with or without sampling: it cannot "
                    "become less.",
                ),
                _operations(
                    found["full"]["operations"],
                    "full algorithm, own events",
                    f"The same against the full algorithm ({_extent(found['full']['training'])})",
                    "The full algorithm prunes in fewer events. Five seeds: "
                    "[pruning.md](pruning.md#what-sampling-saves).",
                ),
                Table(
                    [Column("pruning unit"), Column("shared", digits=4), Column("separate", digits=4)],
                    rows,
                    title="Weight memories shared with the pruning unit, and not",
                    note=_covered(found),
                ),
            ],
        )
    ]


def _operations(operations: Found, against: str, title: str, note: str) -> Table:
    return Table(
        [
            Column("operations"),
            Column("this training"),
            Column(against),
            Column("fewer", "%", digits=5),
            Column("left", "%", digits=3),
        ],
        [
            [part, row["done"], row["all_pairs"], row["fewer_percent"], row["left_percent"]]
            for part, row in operations.items()
        ],
        title=title,
        note=note,
    )


def _extent(training: Found) -> str:
    return (
        f"{training['iterations']} iterations, {training['events']} layer events, "
        f"{share(training['zero_weights'])} zero weights, accuracy {share(training['accuracy'])}"
    )


def _covered(found: Found) -> str:
    """What of the training was simulated, and what follows for the energy that sharing saves."""
    saved, simulated = found["energy_saved"], found["simulated"]
    whole = simulated["iterations"] == simulated["iterations_simulated"]
    how = "as a whole" if whole else f"{simulated['iterations_simulated']} iterations of it, the rest extrapolated"
    return (
        f"A training of its own ({_extent(simulated)}), simulated {how}: {simulated['events_simulated']} of "
        f"{simulated['events']} events. Sharing saves {saved['done']:.2g} % of the chip's energy in accesses, "
        "transfers and computation. Clocks and leakage follow elapsed time, which is "
        f"{saved['time_percent']:.2g} % longer with a separate unit: {saved['by_time']:.2g} % of the energy"
        + (". " if whole else ", not resolved. ")
        + "Iterations without an event differ only in when they begin. The shared unit itself spends more: "
        "whatever passes by is written into its own memory, a separate one writes only what it fetches there."
    )
