"""What came out, in tables: the overview of all claims, and each claim's own sections. For terminal, page and run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.report import Block, Column, Note, Report, Section, Table
from cosim.scenario import RunResult

__all__ = ["OVERVIEW", "build_report", "claim_sections", "overview", "overview_rows"]

Found = Mapping[str, Any]

OVERVIEW = (
    Column("claim"),
    Column("published"),
    Column("simulated", digits=3),
    Column("from", digits=3),
    Column("to", digits=3),
    Column("simulated / published", digits=3),
    Column("calibrated on"),
    Column("finding"),
)
SHOWN_PARAMETERS = 12
"""Parameters of the sensitivity table, the most influential ones; all are in the results file."""


def overview_rows(name: str, result: Mapping[str, Any]) -> list[list[Any]]:
    """A row for each published value of one claim."""
    return _ROWS[result["study"]](result["claim"], result["published"], result["found"])


def overview(results: Mapping[str, Any]) -> Section:
    """All claims in one table."""
    rows = [row for name, result in results["claims"].items() for row in overview_rows(name, result)]
    return Section(
        "Published and simulated",
        [
            Table(
                list(OVERVIEW),
                rows,
                note="From, to: all energies anywhere in their plausible ranges at once, and each parameter of "
                "the chip at the "
                "ends of its range, one at a time (one energy table for both chips where two are compared).",
            )
        ],
    )


def claim_sections(result: Mapping[str, Any]) -> list[Section]:
    """One claim in detail."""
    return _SECTIONS[result["study"]](result["claim"], result["found"])


def build_report(result: RunResult) -> Report:
    """Of `cosim run` on one claim file."""
    summary = result.summary
    study = {"energy_gain": "surface", "throughput": "trainings", "same_workload": "rows", "pruning": "operations"}
    name = next(name for name, key in study.items() if key in summary["found"])
    one = {"claim": result.name, "study": name, "published": summary["published"], "found": summary["found"]}
    return Report(
        title=result.name,
        subtitle="; ".join(f"{value['value']} {value['unit']}: {value['what']}" for value in one["published"]),
        figures=[],
        sections=[overview({"claims": {result.name: one}}), *claim_sections(one)],
    )


# ---- energy gain ------------------------------------------------------------------------------------------------


def _gain_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[list[Any]]:
    corner, on = found["corner"], found["calibration"]["on"]
    rows = []
    for value in published:
        rows.append(
            [
                claim,
                _figure(value),
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
        return f"on the surface, at {_where(row)}"
    possible = [row for row in surface if on * row["gain_greatest"] >= value]
    if possible:
        row = max(possible, key=lambda row: row["gain_greatest"])
        return f"inside the interval, at {_where(row)}, not at the nominal values"
    return f"miss: {value / (on * max(row['gain_greatest'] for row in surface)):.1f} x above all that the ranges reach"


def _where(row: Mapping[str, Any]) -> str:
    return f"input {_share(row['input'])}, weight {_share(row['weight'])}, coarse {_share(row['coarse'])}"


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"


def _gain_sections(claim: str, found: Found) -> list[Section]:
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
                title=f"What stands in the way, at {_where(corner)}",
                note="Parts free of charge, dense and sparse alike, the dearest first and then one more in "
                "every row, until only "
                "multiply-accumulates are left. Diagnosis, no claim about a chip.",
            )
        )
    if found["others"]:
        blocks.append(_others(found))
    blocks.append(_sensitivity(found))
    return [Section(claim, blocks)]


def _split(found: Found) -> Table:
    rows: list[list[Any]] = []
    dense, corner = found["dense_fj_per_mac"], found["corner"]["fj_per_nominal_mac"]
    factor = found["calibration"]["energy_factor"]
    for part in dense:
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
        title=f"Energy for each nominal multiply-accumulate; sparse: {_where(found['corner'])}",
        note="Everything but MAC is overhead. Operand fetch: memories, buffers and registers of values; bitmap "
        "read: the same "
        "of bitmaps.",
        total=True,
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


def sensitivity_pairs(found: Found) -> list[tuple[str, list[tuple[str, float | None]]]]:
    """Parameter -> (value, gain) at its other plausible values, the most influential parameter first."""
    pairs: dict[str, list[tuple[str, float | None]]] = {}
    for row in found["sensitivity"]:
        pairs.setdefault(row["parameter"], []).append((row["value"], row["gain"]))
    return list(pairs.items())


def _sensitivity(found: Found) -> Table:
    gain = found["corner"]["gain"]
    pairs = sensitivity_pairs(found)
    rows = []
    for parameter, values in pairs[:SHOWN_PARAMETERS]:
        for value, other in values:
            change = None if other is None else 100 * (other / gain - 1)
            rows.append([parameter, value, other, change])
    unmoved = sum(all(other is None or abs(other / gain - 1) < 0.01 for _, other in values) for _, values in pairs)
    return Table(
        [Column("assumption"), Column("at"), Column("gain", "x", digits=3), Column("change", "%", digits=3)],
        rows,
        title=f"Sensitivity of the gain in the corner ({gain:.3g} x)",
        note=f"The {min(SHOWN_PARAMETERS, len(pairs))} most influential of {len(pairs)} assumptions; {unmoved} "
        "of them move it by less than 1 %. Empty: the "
        "layer does not fit.",
    )


# ---- throughput -------------------------------------------------------------------------------------------------


def _throughput_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[list[Any]]:
    value = published[0]["value"]
    totals = [row["simulated"] for row in found["trainings"]]
    bound = max(row["total"]["bound"] for row in found["trainings"])
    verdict = f"miss: even the bound, every multiplier busy, is at most {bound:.1f} x over whole trainings"
    if bound >= value:
        verdict = f"the bound reaches {bound:.1f} x"
    if max(totals) >= value:
        verdict = "reached"
    return [
        [
            claim,
            _figure(published[0]),
            found["trainings"][0]["simulated"],
            min(totals),
            max(totals),
            found["trainings"][0]["simulated"] / value,
            "nothing",
            verdict,
        ]
    ]


def _throughput_sections(claim: str, found: Found) -> list[Section]:
    stages = ("ff", "bp", "wg", "total")

    def columns(first: list[Column]) -> list[Column]:
        shown = [
            Column(f"{stage.upper() if stage != 'total' else stage} {what}", "x", digits=3)
            for stage in stages
            for what in ("bound", "cores")
        ]
        return [*first, *shown, Column("elapsed time", "x", digits=3)]

    def cells(row: Mapping[str, Any]) -> list[Any]:
        return [
            *(row[stage][what] if stage in row else None for stage in stages for what in ("bound", "cores")),
            row["simulated"],
        ]

    def percent(density: float | None) -> str:
        return "never" if density is None else f"{100 * (1 - density):.1f} %"

    return [
        Section(
            claim,
            [
                Table(
                    columns([Column("training"), Column("zero weights", "%", digits=3)]),
                    [[row["name"], 100 * row["zero_weights"], *cells(row)] for row in found["trainings"]],
                    title="Times faster than LNPU, equal multipliers and clock",
                    note="Bound: ratio of executed multiply-accumulates, every multiplier busy. Cores: cycles "
                    "of the busiest core. "
                    "Elapsed time: everything simulated, data movement included. The first row is the claim's: a real "
                    "training, pruned on the way.",
                ),
                Table(
                    columns(
                        [
                            Column("non-zero weights", "%"),
                            Column("inputs, known outputs", "%"),
                            Column("gradients", "%"),
                        ]
                    ),
                    [
                        [100 * row["weight"], 100 * row["input"], 100 * row["gradient"], *cells(row)]
                        for row in found["condition"]
                    ],
                    title="One layer over densities: gradients as dense as inputs, and dense (batch normalisation)",
                ),
                Table(
                    [
                        Column("inputs, known outputs"),
                        Column("in FF"),
                        Column("in BP, batch norm"),
                        Column("in total"),
                        Column("in total, batch norm"),
                    ],
                    [
                        [
                            _share(row["input"]),
                            *(percent(row[key]) for key in ("ff", "bp_batch_norm", "total", "total_batch_norm")),
                        ]
                        for row in found["algebra"]
                    ],
                    title="Weight sparsity from which the bound reaches 30.1 x",
                    note="Independent zeros, the best two operands, against skipping input zeros alone, every "
                    "multiplier busy. In FF "
                    "the second operand is the weight: 1 / density, so 96.7 % always. Where gradients are "
                    "dense and known "
                    "outputs sparse, BP needs less.",
                ),
            ],
        )
    ]


# ---- same workload, pruning ---------------------------------------------------------------------------------------


def _same_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[list[Any]]:
    value = published[0]["value"]
    rows = []
    for row in found["rows"]:
        inside = row["ratio_least"] <= value <= row["ratio_greatest"]
        rows.append(
            [
                f"{claim}: {row['name']}",
                _figure(published[0]),
                row["ratio"],
                row["ratio_least"],
                row["ratio_greatest"],
                row["ratio"] / value,
                "nothing",
                "inside the interval" if inside else "miss: the two titles' figures are not of the same workload",
            ]
        )
    return rows


def _same_sections(claim: str, found: Found) -> list[Section]:
    first, second = found["chips"]
    return [
        Section(
            claim,
            [
                Table(
                    [
                        Column("workload"),
                        Column(first, "TOPS/W", digits=3),
                        Column(second, "TOPS/W", digits=3),
                        Column("ratio", "x", digits=3),
                        Column("from", "x", digits=3),
                        Column("to", "x", digits=3),
                        Column("with DRAM", "x", digits=3),
                        Column(f"{first}, calibrated", "TOPS/W", digits=3),
                        Column(f"{second}, calibrated", "TOPS/W", digits=3),
                        Column("ratio, calibrated", "x", digits=3),
                    ],
                    [
                        [
                            row["name"],
                            *row["tops_per_watt"],
                            *(row[key] for key in ("ratio", "ratio_least", "ratio_greatest", "ratio_with_dram")),
                            *row["calibrated_tops_per_watt"],
                            row["calibrated_ratio"],
                        ]
                        for row in found["rows"]
                    ],
                    title="The same work on both chips, nominal operations for each joule",
                    note="Uncalibrated: one energy table for both. Calibrated: each on its own dense figure.",
                )
            ],
        )
    ]


def _pruning_rows(claim: str, published: Sequence[Mapping[str, Any]], found: Found) -> list[list[Any]]:
    computed, removed = found["operations"], found["accesses_removed_percent"]
    parts = "" if computed["total"]["fewer_percent"] >= published[0]["value"] else "miss: "
    parts += ", ".join(f"{part} {computed[part]['fewer_percent']:.2f} %" for part in ("coarse", "fine", "total"))
    return [
        [
            f"{claim}: computation",
            _figure(published[0]),
            computed["total"]["fewer_percent"],
            None,
            None,
            computed["total"]["fewer_percent"] / published[0]["value"],
            "nothing",
            parts,
        ],
        [
            f"{claim}: accesses",
            _figure(published[1]),
            removed,
            None,
            None,
            None if removed is None else removed / published[1]["value"],
            "nothing",
            f"coverage {found['shared']['coverage_percent']:.1f} %",
        ],
    ]


def _pruning_sections(claim: str, found: Found) -> list[Section]:
    units = (found["shared"], found["separate"])
    rows = [
        ["accesses to the weight memories for pruning", *(unit["weight_memory_accesses"] for unit in units)],
        ["weights seen as they pass by, %", *(unit["coverage_percent"] for unit in units)],
        ["clocks that lanes wait at weight ports", *(unit["lanes_waiting_clocks"] for unit in units)],
        ["clocks that pruning waits there", *(unit["pruning_waiting_clocks"] for unit in units)],
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
                    title=f"Pruning computation over the training ({found['events']} layer events, "
                    f"{_share(found['zero_weights'])} zero weights, accuracy {_share(found['accuracy'])})",
                    note="Fine pruning compares every weight in every event, with or without sampling: it "
                    "cannot become less. Against the full algorithm with its own, fewer events the "
                    "coarse part falls less: [pruning.md](pruning.md).",
                ),
                Table(
                    [Column("pruning unit"), Column("shared", digits=4), Column("separate", digits=4)],
                    rows,
                    title="Weight memories shared with the pruning unit, and not",
                    note="Accesses, waits and delays are of the simulated iterations; energies and time of the "
                    "whole training.",
                ),
            ],
        )
    ]


def _figure(value: Mapping[str, Any]) -> str:
    return f"{value['value']} {value['unit']}" + (" (from memory)" if value["from_memory"] else "")


_ROWS = {
    "energy_gain": _gain_rows,
    "throughput": _throughput_rows,
    "same_workload": _same_rows,
    "pruning": _pruning_rows,
}
_SECTIONS = {
    "energy_gain": _gain_sections,
    "throughput": _throughput_sections,
    "same_workload": _same_sections,
    "pruning": _pruning_sections,
}
