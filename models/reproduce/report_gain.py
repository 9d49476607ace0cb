"""An energy gain over sparsity in tables: surface, split, what stands in the way, other chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Block, Column, Note, Section, Table

from .figures import Found, figure, where
from .verdict import Compared, Verdict, judged

__all__ = ["gain_rows", "gain_sections", "gain_verdict"]


def gain_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[Compared]:
    """Each published efficiency beside that of the sparse point, calibrated, with its interval; in TOPS/W."""
    sparse, on = found["sparse_point"], found["calibration"]["on"]
    return [
        Compared(
            claim,
            figure(value),
            sparse["tops_per_watt"],
            on * sparse["gain_least"],
            on * sparse["gain_greatest"],
            sparse["tops_per_watt"] / value["value"],
            f"dense: {on} TOPS/W",
            gain_verdict(value["value"], found),
        )
        for value in published
    ]


def gain_verdict(value: float, found: Found) -> Verdict:
    """Where a published efficiency, in TOPS/W, lies on the surface, or how far outside all of its intervals."""
    on = found["calibration"]["on"]
    surface = [*found["surface"], found["sparse_point"], found["sparsest"]]
    best, widest = (max(surface, key=lambda row: row[key]) for key in ("gain", "gain_greatest"))
    least = min(row["gain_least"] for row in surface)
    kind = judged(value, on * least, on * best["gain"], on * widest["gain_greatest"])
    if kind == "reached":
        row = min((row for row in surface if row["tops_per_watt"] >= value), key=lambda row: row["tops_per_watt"])
        return Verdict(kind, f"reached on the surface, at {where(row)}")
    if kind == "inside":
        return Verdict(kind, f"inside the interval at {where(widest)}, not at the nominal values")
    text = f"miss: published is {value / (on * widest['gain_greatest']):.1f} x the greatest end of all intervals"
    if joint := max(found["joint"], key=lambda row: row["gain_greatest"], default=None):
        text += (
            f"; {len(joint['parameters'])} parameters of the chip, searched together, and all energies reach "
            f"{on * joint['gain_greatest']:.3g}"
        )
    if all(row["gain"] * on < value for row in found["without"]):
        text += "; not reached with everything but the multiplications free of charge"
    return Verdict(kind, text)


def gain_sections(claim: str, found: Found) -> list[Section]:
    """The surface, the split of the energy, what stands in the way, and what else was looked at."""
    sparse, on = found["sparse_point"], found["calibration"]["on"]
    blocks: list[Block] = [
        Note(
            f"Uncalibrated, {found['chip']} reaches {found['calibration']['uncalibrated']:.3g} TOPS/W dense "
            "(chip alone). The one "
            f"calibration multiplies all its energies by {found['calibration']['energy_factor']:.3g}, to meet "
            f"{on} TOPS/W; gains without DRAM do not depend on it.{_seeds(found)}"
        ),
        Table(
            [
                Column("non-zero inputs", "%"),
                Column("weights", "%"),
                Column("zeros in coarse units", "%"),
                Column("1 / (input x weight)", "x", digits=3),
                Column("gain", "x", digits=3),
                Column("from", "x", digits=3),
                Column("to", "x", digits=3),
                Column("cores alone", "x", digits=3),
                Column("with DRAM, calibrated", "x", digits=3),
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
                    *(
                        row[key]
                        for key in ("inverse_density", "gain", "gain_least", "gain_greatest", "gain_of_the_cores")
                    ),
                    *(row[key] for key in ("gain_with_dram", "macs_ratio", "speedup", "tops_per_watt")),
                    row["uncalibrated_tops_per_watt"],
                ]
                for row in found["surface"]
            ],
            title="Energy gain over sparsity",
            note="FF, BP and WG of one layer; gradients as dense as inputs. 1 / (input x weight): of the densities of "
            "operands that the chip skips; fewer MACs can go beyond it, as WG skips inputs and gradients. From, "
            "to: over "
            "all energy ranges. Cores alone: without network, loading, vector unit and DRAM. With DRAM: the chip's "
            "energy as calibrated, the DRAM's as it is.",
        ),
        _split(found),
    ]
    if found["without"]:
        blocks.append(
            Table(
                [Column("for nothing as well"), Column("gain", "x", digits=3)],
                [[row["part"], row["gain"]] for row in found["without"]],
                title=f"What stands in the way, at {where(sparse)}",
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


def _seeds(found: Found) -> str:
    """How far the gain at the sparse point hangs on the random zeros."""
    if not found["seeds"]:
        return ""
    gains = [found["sparse_point"]["gain"], *(row["gain"] for row in found["seeds"])]
    return (
        f" One seed of the zeros; {len(gains)} seeds give a gain of {min(gains):.3g} to {max(gains):.3g} at the sparse "
        "point. No interval contains that spread."
    )


def _split(found: Found) -> Table:
    rows: list[list[Any]] = []
    dense, sparse = found["dense_fj_per_mac"], found["sparse_point"]["fj_per_nominal_mac"]
    factor = found["calibration"]["energy_factor"]
    for part in sorted(dense, key=lambda part: -sparse[part]):
        rows.append([part, dense[part], sparse[part], dense[part] * factor, sparse[part] * factor])
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
        title=f"Energy for each nominal multiply-accumulate; sparse: {where(found['sparse_point'])}",
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
        title=f"Several parameters at once, at {where(found['sparse_point'])}",
        note="From, to: over all energy ranges. Found by a search from end to end (`python -m studies.joint`) that "
        "changes one parameter after the other while the gain grows (falls): a local extreme, a lower limit of what "
        "the ranges allow together. Without what-ifs, and without ranges that came when the gains were known. Not how "
        "the chip is assumed.",
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
        title="Other chips, operating points and layers at the sparse point",
        note="Calibrated by the one factor of the claim's chip.",
    )
