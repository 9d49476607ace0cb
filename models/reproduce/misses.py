"""What does not agree with a published number, and what of it is known, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .report import in_order, overview_rows

__all__ = ["disagreements"]

# Of a study with runs of its own (five seeds): the page on pruning has its table, and a test holds the two equal.
_AGAINST_FULL = (
    "64 against 604, a training's coarse operations fall by 92 % and all of its pruning's operations by 69 %"
)


def disagreements(results: Mapping[str, Any]) -> str:
    """A line for each published value that the nominal chips miss, with the numbers that say why."""
    lines, said = [], ""
    for _, result in in_order(results):
        for at, row in enumerate(overview_rows(result)):
            claim, published, verdict = row[0], row[1], row[-1]
            if str(verdict).startswith("miss"):
                cause = _CAUSES[result["study"]](result, at)
                lines.append(f"* **{claim}, {published}**: {verdict}. {'As above.' if cause == said else cause}")
                said = cause
            elif str(verdict).startswith("inside"):
                lines.append(f"* **{claim}, {published}**: {verdict}.")
    return "\n".join(lines) + "\n"


def _throughput(result: Mapping[str, Any], at: int) -> str:
    """The condition for the published factor, of the bound and of the cores."""
    value = result["published"][at]["value"]
    rows = result["found"]["algebra"]
    anywhere = max(rows, key=lambda row: row["total_batch_norm"] or 0)
    best = max(result["found"]["condition"], key=lambda row: row["total"]["cores"])
    return (
        f"Condition, at equal multipliers and clock: the bound over FF, BP and WG together reaches {value} x from "
        f"{_zeros(rows[0]['total'])} zero weights on; behind batch normalisation (dense gradients), with "
        f"{100 * anywhere['input']:.3g} % non-zero inputs, from {_zeros(anywhere['total_batch_norm'])} on; FF alone "
        f"from {_zeros(rows[0]['ff'])} on, always. The bound takes every multiplier for busy. The cores as simulated "
        f"stay below: on this page's layer {best['total']['cores']:.1f} x at most (at "
        f"{100 * (1 - best['weight']):.3g} % zero weights, {100 * best['input']:.3g} % non-zero inputs, "
        f"{100 * best['gradient']:.3g} % non-zero gradients). On a layer of more channels the cores alone do reach it, "
        "in a corner behind batch normalisation: [core-grid.md](core-grid.md#301-x-over-lnpu). Inferred: the "
        "published factor may compare different numbers of multipliers, clocks or formats."
    )


def _zeros(density: float | None) -> str:
    return "no" if density is None else f"{100 * (1 - density):.1f} %"


def _pruning(_: Mapping[str, Any], __: int) -> str:
    return (
        "This compares with all pairs in the same events. Inferred: the published figure counts coarse operations, "
        "per event, on layers of more channels. Against the full algorithm with its own, fewer "
        f"events, {_AGAINST_FULL}: [pruning.md](pruning.md#what-sampling-saves)."
    )


def _same_workload(result: Mapping[str, Any], _: int) -> str:
    value = result["published"][0]
    return (
        f"{value['value']} is no measurement of one workload: it is the quotient of two published headlines, "
        f"{value['what']}. Inferred: each is a best case of its own. Here both chips do the same work, with one "
        "energy table."
    )


def _gain(result: Mapping[str, Any], at: int) -> str:
    """From the split of the sparse energy."""
    found = result["found"]
    target = result["published"][at]["value"] / found["calibration"]["on"]
    parts = found["corner"]["fj_per_nominal_mac"]
    total = sum(parts.values())
    taken: list[str] = []
    for row in found["without"]:
        taken.append(row["part"])
        if row["gain"] >= target:
            break
    else:
        corner = found["corner"]
        return (
            f"With every other part free of charge, a what-if, the gain stays below {target:.1f} x: two operands "
            f"at 90 % zeros leave {corner['macs_ratio']:.1f} x fewer multiply-accumulates. The greatest gain of the "
            f"interval is {corner['gain_greatest']:.1f} x.{_beyond(found)}"
        )
    shares = ", ".join(f"{part} {100 * parts[part] / total:.0f} %" for part in taken[:4])
    return (
        "Inferred, from the split of the energy in the corner: what does not shrink with the multiply-accumulates, "
        f"above all {shares}. If parts are free of charge, dearest first (a what-if on the recorded counts, no "
        f"chip), it takes {len(taken)} of {len(parts)} until the gain reaches {target:.1f} x: {', '.join(taken)}. "
        "The published figure may be of the cores alone, on data that is already there; its conditions are not "
        "published."
    )


def _beyond(found: Mapping[str, Any]) -> str:
    """Other chips that execute still fewer multiply-accumulates."""
    fewer = [row for row in found["others"] if row["macs_ratio"] > 1.1 * found["corner"]["macs_ratio"]]
    return "".join(
        f" A third operand does not help here: {row['chip']} (output skipped as well in BP and WG; no source says "
        f"so) executes {row['macs_ratio']:.0f} x fewer, but everything else remains: its gain is {row['gain']:.1f} "
        f"x, {row['tops_per_watt']:.1f} TOPS/W calibrated, at the nominal values; no interval was made for it."
        for row in fewer
    )


_CAUSES = {"throughput": _throughput, "pruning": _pruning, "same_workload": _same_workload, "energy_gain": _gain}
