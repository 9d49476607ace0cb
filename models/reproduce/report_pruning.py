"""What pruning computes and reads, in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Column, Section, Table

from .figures import Found, figure, share
from .pruning import REMOVED, SAVED
from .sensitivity import reach
from .training_variants import EPOCHS

__all__ = ["pruning_rows", "pruning_sections"]


def pruning_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[list[Any]]:
    computed, removed = found["operations"], found["accesses_removed_percent"]
    total, accesses = (
        reach(number or 0.0, [one for one in found["sensitivities"] if one["of"] == of])
        for number, of in ((computed["total"]["fewer_percent"], SAVED), (removed, REMOVED))
    )
    short = published[0]["value"] - computed["total"]["fewer_percent"]
    parts = "" if short <= 0 else f"miss by {short:.1f} points: "
    parts += ", ".join(f"{part} {computed[part]['fewer_percent']:.2f} %" for part in ("coarse", "fine", "total"))
    return [
        [
            f"{claim}: computation",
            figure(published[0]),
            computed["total"]["fewer_percent"],
            *total,
            computed["total"]["fewer_percent"] / published[0]["value"],
            "nothing",
            parts,
        ],
        [
            f"{claim}: accesses",
            figure(published[1]),
            removed,
            *accesses,
            None if removed is None else removed / published[1]["value"],
            "nothing",
            _accesses(removed, published[1]["value"], found),
        ],
    ]


def _accesses(removed: float | None, value: float, found: Found) -> str:
    seen = (
        f"{found['shared']['coverage_percent']:.1f} % of the weights were seen as they passed by, over "
        f"{found['simulated']['events_simulated']} of {found['simulated']['events']} layer events"
    )
    if removed is None:
        return f"no access in either: {seen}"
    return f"agrees: {seen}" if removed >= value else f"miss by {value - removed:.1f} points: {seen}"


def pruning_sections(claim: str, found: Found) -> list[Section]:
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
                Table(
                    [
                        Column("operations"),
                        Column("this training"),
                        Column("all pairs, same events"),
                        Column("fewer", "%", digits=5),
                    ],
                    [
                        [part, row["done"], row["all_pairs"], row["fewer_percent"]]
                        for part, row in found["operations"].items()
                    ],
                    title=f"Pruning computation over the training ({_extent(found['training'])})",
                    note="Fine pruning compares every weight in every event, with or without sampling: it "
                    "cannot become less. Against the full algorithm with its own, fewer events the "
                    "coarse part falls less: [pruning.md](pruning.md).",
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
        + "Iterations without an event differ only in when they begin."
    )
