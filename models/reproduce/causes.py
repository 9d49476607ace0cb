"""Why a published number is not met, as far as the results say: a cause for each study, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["gain_cause", "pruning_cause", "same_workload_cause", "throughput_cause"]


def throughput_cause(result: Mapping[str, Any], at: int) -> str:
    """The condition for the published factor, of the bound and of the cores."""
    if at:
        return "As for the first workload."
    value = result["published"][0]["value"]
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
        "with sparse operands behind batch normalisation: [core-grid.md](core-grid.md#301-x-over-lnpu). Inferred: the "
        "published factor may compare different numbers of multipliers, clocks or formats."
    )


def _zeros(density: float | None) -> str:
    return "no" if density is None else f"{100 * (1 - density):.1f} %"


def pruning_cause(result: Mapping[str, Any], at: int) -> str:
    """Of the computation, on both bases."""
    found = result["found"]
    operations, full = found["operations"], found["full"]
    if at == 0:
        return (
            f"This compares with all pairs in the same events. Single weights are compared in every event of both: "
            f"{100 * operations['fine']['done'] / operations['total']['done']:.0f} % of what is left. Inferred: the "
            "published figure counts coarse operations, per event, on layers of more channels."
        )
    fewer = {part: f"{row['fewer_percent']:.0f} %" for part, row in full["operations"].items()}
    return (
        f"Equal sparsity by the full algorithm takes {full['training']['events']} layer events, here there are "
        f"{found['training']['events']}: coarse operations fall by {fewer['coarse']}, all of them by {fewer['total']}. "
        "Five seeds, other sizes and periods: [pruning.md](pruning.md#what-sampling-saves)."
    )


def same_workload_cause(result: Mapping[str, Any], at: int) -> str:
    """What is published is no measurement of one workload."""
    if at:
        return "As for the first workload."
    value = result["published"][0]
    return (
        f"{value['value']} is no measurement of one workload: it is the quotient of two published headlines, "
        f"{value['what']}. Inferred: each is a best case of its own. Here both chips do the same work, with one "
        "energy table."
    )


def gain_cause(result: Mapping[str, Any], at: int) -> str:
    """From the split of the sparse energy."""
    found = result["found"]
    target = result["published"][at]["value"] / found["calibration"]["on"]
    sparse = found["sparse_point"]
    parts = sparse["fj_per_nominal_mac"]
    total = sum(parts.values())
    structure = (
        f" The intervals cover the parameters on record, not the structure: operands go to each core by itself (no "
        f"multicast), and no buffer is shared by the cores. That may be most of the network's "
        f"{100 * parts['NoC'] / total:.0f} %."
    )
    taken: list[str] = []
    for row in found["without"]:
        taken.append(row["part"])
        if row["gain"] >= target:
            break
    else:
        return (
            f"With every other part free of charge, a what-if, the gain stays below {target:.1f} x, for zeros "
            f"independent of each other in this layer: {sparse['macs_ratio']:.1f} x fewer multiply-accumulates are "
            f"left.{_beyond(found)}{structure}"
        )
    shares = ", ".join(f"{part} {100 * parts[part] / total:.0f} %" for part in taken[:4])
    return (
        "Inferred, from the split of the energy at the sparse point: what does not shrink with the "
        f"multiply-accumulates, above all {shares}. If parts are free of charge, dearest first (a what-if on the "
        f"recorded counts, no chip), it takes {len(taken)} of {len(parts)} until the gain reaches {target:.1f} x: "
        f"{', '.join(taken)}.{structure} The published figure may be of the cores alone, on data that is already "
        "there; its conditions are not published."
    )


def _beyond(found: Mapping[str, Any]) -> str:
    """Other chips that execute still fewer multiply-accumulates."""
    fewer = [row for row in found["others"] if row["macs_ratio"] > 1.1 * found["sparse_point"]["macs_ratio"]]
    return "".join(
        f" A third operand does not help here: {row['chip']} (output skipped as well in BP and WG; no source says "
        f"so) executes {row['macs_ratio']:.0f} x fewer, but everything else remains: its gain is {row['gain']:.1f} "
        f"x, {row['tops_per_watt']:.1f} TOPS/W calibrated, at the nominal values; no interval was made for it."
        for row in fewer
    )
