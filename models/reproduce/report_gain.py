"""An energy gain over sparsity in tables: surface, split, what stands in the way, other chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Block, Column, Note, Section, Table

from .figures import Found, figure, where

__all__ = ["gain_rows", "gain_sections", "gain_verdict"]


def gain_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[list[Any]]:
    corner, on = found["corner"], found["calibration"]["on"]
    rows = []
    for value in published:
        rows.append(
            [
                claim,
                figure(value),
                corner["tops_per_watt"],
                on * corner["gain_least"],
                on * corner["gain_greatest"],
                corner["tops_per_watt"] / value["value"],
                f"dense: {on} TOPS/W",
                gain_verdict(value["value"], found),
            ]
        )
    return rows


def gain_verdict(value: float, found: Found) -> str:
    """Where a published efficiency lies on the surface, or how far outside."""
    on = found["calibration"]["on"]
    surface = [*found["surface"], found["corner"]]
    reaching = [row for row in surface if row["tops_per_watt"] >= value]
    if reaching:
        row = min(reaching, key=lambda row: row["tops_per_watt"])
        return f"on the surface, at {where(row)}"
    possible = [row for row in surface if on * row["gain_greatest"] >= value]
    if possible:
        row = max(possible, key=lambda row: row["gain_greatest"])
        return f"inside the interval, at {where(row)}, not at the nominal values"
    if joint := [row for row in found["joint"] if on * row["gain_greatest"] >= value]:
        row = joint[0]
        return (
            f"inside the interval only of {len(row['parameters'])} parameters of the chip and all energies at once "
            f"(up to {on * row['gain_greatest']:.3g}), not at the nominal values"
        )
    factor = value / (on * max(row["gain_greatest"] for row in surface))
    missed = f"miss: published is {factor:.1f} x the interval's upper end"
    if all(row["gain"] * on < value for row in found["without"]):
        missed += "; unreachable with the operands that it skips"
    return missed


def gain_sections(claim: str, found: Found) -> list[Section]:
    corner, on = found["corner"], found["calibration"]["on"]
    blocks: list[Block] = [
        Note(
            f"Uncalibrated, {found['chip']} reaches {found['calibration']['uncalibrated']:.3g} TOPS/W dense "
            "(chip alone). The one "
            f"calibration multiplies all its energies by {found['calibration']['energy_factor']:.3g}, to meet "
            f"{on} TOPS/W; gains "
            "do not depend on it."
        ),
        Table(
            [
                Column("non-zero inputs", "%"),
                Column("weights", "%"),
                Column("zeros in coarse units", "%"),
                Column("bound", "x", digits=3),
                Column("gain", "x", digits=3),
                Column("from", "x", digits=3),
                Column("to", "x", digits=3),
                Column("cores alone", "x", digits=3),
                Column("with DRAM", "x", digits=3),
                Column("fewer MACs", "x", digits=3),
                Column("faster", "x", digits=3),
                Column("calibrated", "TOPS/W", digits=3),
                Column("uncalibrated", "TOPS/W", digits=3),
            ],
            [
                [
                    100 * row["input"],
                    100 * row["weight"],
                    100 * row["coarse"],
                    *(row[key] for key in ("bound", "gain", "gain_least", "gain_greatest", "gain_of_the_cores")),
                    *(row[key] for key in ("gain_with_dram", "macs_ratio", "speedup", "tops_per_watt")),
                    row["uncalibrated_tops_per_watt"],
                ]
                for row in found["surface"]
            ],
            title="Energy gain over sparsity",
            note="FF, BP and WG of one layer; gradients as dense as inputs. Bound: 1 / (input x weight "
            "density); WG, which skips inputs and gradients, can go beyond it. From, to: "
            "over all energy ranges. Cores alone: without network, loading, vector unit and DRAM.",
        ),
        _split(found),
    ]
    if found["without"]:
        blocks.append(
            Table(
                [Column("for nothing as well"), Column("gain", "x", digits=3)],
                [[row["part"], row["gain"]] for row in found["without"]],
                title=f"What stands in the way, at {where(corner)}",
                note="Parts free of charge, dense and sparse alike, the dearest first and then one more in "
                "every row, until only "
                "multiply-accumulates are left. Diagnosis, no claim about a chip.",
            )
        )
    if found["joint"]:
        blocks.append(_joint(found))
    if found["others"]:
        blocks.append(_others(found))
    return [Section(claim, blocks)]


def _split(found: Found) -> Table:
    rows: list[list[Any]] = []
    dense, corner = found["dense_fj_per_mac"], found["corner"]["fj_per_nominal_mac"]
    factor = found["calibration"]["energy_factor"]
    for part in sorted(dense, key=lambda part: -corner[part]):
        rows.append([part, dense[part], corner[part], dense[part] * factor, corner[part] * factor])
    rows.append(["total", *(sum(row[at] for row in rows) for at in range(1, 5))])
    return Table(
        [
            Column("part"),
            Column("dense", "fJ", digits=3),
            Column("sparse", "fJ", digits=3),
            Column("dense, calibrated", "fJ", digits=3),
            Column("sparse, calibrated", "fJ", digits=3),
        ],
        rows,
        title=f"Energy for each nominal multiply-accumulate; sparse: {where(found['corner'])}",
        note="Everything but MAC is overhead. Which actions a part has: docs/energy.md.",
        total=True,
    )


def _joint(found: Found) -> Table:
    on = found["calibration"]["on"]
    return Table(
        [
            Column("end"),
            Column("parameters of the chip, together"),
            Column("gain, energies nominal", "x", digits=4),
            Column("from", "x", digits=4),
            Column("to", "x", digits=4),
            Column("to", "TOPS/W", digits=4),
        ],
        [
            [
                row["name"],
                ", ".join(f"{path} {value}" for path, value in row["parameters"].items()),
                row["gain"],
                row["gain_least"],
                row["gain_greatest"],
                on * row["gain_greatest"],
            ]
            for row in found["joint"]
        ],
        title=f"Several parameters at once, at {where(found['corner'])}",
        note="From, to: over all energy ranges. Found by a search from end to end (`python -m studies.joint`) that "
        "changes one parameter after the other while the gain grows (falls): a local extreme, a lower limit of what "
        "the ranges allow together. Not how the chip is assumed.",
    )


def _others(found: Found) -> Table:
    return Table(
        [
            Column("chip"),
            Column("operating point"),
            Column("layer"),
            Column("supply", "mV"),
            Column("dense", "TOPS/W", digits=3),
            Column("sparse", "TOPS/W", digits=3),
            Column("gain", "x", digits=3),
            Column("cores alone", "x", digits=3),
            Column("fewer MACs", "x", digits=3),
        ],
        [
            [
                row["chip"],
                row["operating_point"] or "nominal",
                row["layer"],
                row["voltage_mv"],
                *(
                    row[key]
                    for key in ("dense_tops_per_watt", "tops_per_watt", "gain", "gain_of_the_cores", "macs_ratio")
                ),
            ]
            for row in found["others"]
        ],
        title="Other chips, operating points and layers in the corner",
        note="Calibrated by the one factor of the claim's chip.",
    )
