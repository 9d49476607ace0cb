"""docs/validation.md: what agrees with published and recorded numbers, and what does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cosim.report import Column, Note, Section, Table

from .figures import figure
from .misses import disagreements
from .report import claim_sections, in_order, overview, overview_rows
from .sensitivity import full_sections, most_influential, pairs
from .surface import surface
from .tornado import tornado

__all__ = ["plots", "sensitivity_page", "validation_page"]

SHOWN_BARS = {"rows": 14, "apart": 6}
"""Bars of a tornado: of assumptions in intervals, and of late ranges and what-ifs."""

_HEAD = """# Validation

Made by `make validate` from `docs/validation.json`; not edited by hand.

Parts are validated: memory system, network and kernel do what other simulators do, event by event; one published
processing element's cycles are met exactly ([below](#equal-event-by-event)). The reference chip is not: its papers'
texts are not public, most of its inside is assumed, and its core engine is held against a cycle-stepped twin of our
own only. **Of {compared} comparisons with published figures, {misses} are misses, at the nominal values and anywhere
in their intervals**{inside}: this page says by how much, and [what stands in the way](#what-does-not-agree) in these
models.
"""

_WORDS = """**Words.** *Nominal MAC*: a multiply-accumulate of the dense operation, executed or skipped; TOPS/W counts
two operations for each, over the energy of the chip without DRAM. *Gain*: energy of a layer's FF, BP and WG with dense
operands over that with sparse ones, on the same chip. *Sparse point*: the point for which sensitivities are given: 10 %
of inputs and gradients and, where the chip skips weights, 10 % of the weights non-zero, half of the zero weights in
[coarse units](core.md). *Bound*: of a throughput, the ratio of executed multiply-accumulates, every multiplier busy.
*Part*: a share of a chip's energy, see [energy.md](energy.md#parts-and-groups); *operand fetch*: what it takes to bring
operands from a core's memories to its multipliers. *Late*: of a range, put on record when numbers of it were known;
*what-if*: a switch of the model that no chip has.
"""

_CALIBRATION = """## Calibrations

One for each chip, on its published dense figure alone: a factor on all its on-chip energies. It cancels in the gains
of one chip without DRAM, and there is no second knob; nothing else is tuned to meet a number. It does not cancel in a
ratio of two chips that are calibrated each on its own figure, nor beside the DRAM's energy, which is not calibrated:
the tables say so. Other numbers of this page are uncalibrated where they do not say otherwise.
"""

_ASSUMPTIONS = """## Assumptions

What the papers leave open is assumed, with a reason and a plausible range each:
[assumptions.yaml](../scenarios/reproduce/assumptions.yaml), which a test holds against the chip and energy files.
LNPU and TSUNAMI are modelled on PNPU's multipliers, clock and memories, with their own skipping: their tables
resemble each other for that reason. Intervals and sensitivities change one parameter of a chip at a time, to an end
of its range, beside all energies at once; of each gain, both ends of several parameters together are searched as well
(`python -m studies.joint`). Ranges that are late and what-ifs are in no interval and in no search; they stand in the
last column of the table of sensitivities. Nor is the structure (`structure:` there): operands that go to each core by
themselves, no buffer that cores share, the split of a layer into tiles, the layer of the calibration; intervals cover
parameters on record, not another dataflow. Another choice may take most of the network's part.
"""

_SENSITIVITY_HEAD = """# Sensitivity of the validation's numbers

Made by `make validate` from `docs/validation.json`; not edited by hand. Beside [validation.md](validation.md).

One assumption of [assumptions.yaml](../scenarios/reproduce/assumptions.yaml) at a time is set to the ends of its
plausible range (or to its alternatives), all else left as it is; where two chips are compared, in both that make it. A
derived chip shares the assumptions of PNPU but for those that its file replaces. Empty: the workload does not fit such
a chip, or it cannot be built. What is assumed of the chip `dense` beside PNPU's has no part in a claim. Assumptions
that cannot move a number have no row there; the note below each table names them with the rule, and tests hold the
rules, and that every assumption has a row or a rule. The last rows of a table are in no interval: *late*, a range that
was put on record when numbers of it were known; *what-if*, a switch of the model that no chip has.

A bank smaller than 8 KiB costs what one of 8 KiB does ([energy.md](energy.md#what-the-energies-rest-on)), and no bank
is larger but where a size or number of banks is varied: that `*.banks` moves no energy is for a part a property of
that table.
"""

_DECISIONS = """### Decided with a result known

Ranges and reasons were committed before any sparse point of this page was run, all but those named here. Two choices of
the energy model were made at the same time, when the quick start had already shown 3.27 TOPS/W for PNPU at 90 % zero
weights: for the reasons given, not to meet a number, but knowing one.

* `core.operand_fetch` is charged for each multiply-accumulate; before, for all 16 values of a block that a lane looked
  at. Reason: a lane reads the bitmap, and takes from the buffer what is effectual. Sparse runs become cheaper by it.
* Clocks run while a unit has a task; before, always.

These ranges are late, which `late: true` says on record, and are in no interval since:

* the alternatives of `core.macs_per_lane` and `noc.mesh`, which had none, and of `noc.unit_nodes`, `noc.router`,
  `dma.request` and `core.banks`, which became parameters; LNPU's `storage.weights` and `core.switch_cycles`; the cell
  of the memories (`energy.sram`);
* those of the pruning schedule, and last of its `unit`, `criterion` and `layers`.

When all numbers of this page had been seen, the record and the page changed once more, and no chip file, no energy and
no calibration with them:

* Late ranges and the what-ifs `noc.ideal` and `ideal_sram` were in the intervals before, and in the search for LNPU's
  ends. With them that interval contained LNPU's published figure for some fifteen parameters together.
* Intervals of gains cover chip parameters at the sparsest point of the surface as well; the search is made for all
  three chips.
* The structure was put on record. The memories' energies count as assumed: they are those of larger banks.
* A saving is compared by what is left of it, and against the full algorithm's own events as well.

The densities of the published networks were in their input files before they were in the record of assumptions.
"""

_EQUALITIES = """## Equal, event by event

Each row is a file of tests. Counted are its pytest items: a test that runs for several sets of parameters is one item
for each, and may compare any number of events. `.venv/bin/python -m pytest -q FILE` runs one. The tests of the
Eyeriss v2 element need published data that are not part of this repository, and are skipped where they are absent;
`make validate` then stops, as it counts nothing that was left out. Its published cycles are sums over channels of
products of non-zero counts: that they are met tests no stall.
"""

_CLAIMS = """## Claim by claim

`cosim reproduce` runs all of them (four to ten minutes on two cores), `cosim reproduce --only NAME` one, with the same
tables; points that have ended are kept in `runs/reproduce/` and not run again. `make validate` makes this page of it.
"""

_TRAINING = """*training* is the quick start's, with {simulated} of {iterations} iterations simulated in detail: its
number here, {here}, is of another sample than the README's.
"""


def validation_page(data: Mapping[str, Any]) -> str:
    """The page as Markdown; `data` is docs/validation.json."""
    results = data["results"]
    claims = [result for _, result in in_order(results)]
    parts = [_head(claims), *_section(overview(results), 2), _WORDS, _not_run(data["not_run"])]
    parts += [_CALIBRATION, _table(_calibrations(claims)), _ASSUMPTIONS, _DECISIONS, "## Sensitivities\n"]
    without = [result["claim"] for result in claims if not result["found"]["sensitivities"]]
    if without:
        parts.append(f"**Without sensitivities**, from a run that did not have them: {'; '.join(without)}.\n")
    parts += [
        _table(most_influential(claims)),
        "All of them, and on how much work each was varied (of trainings on a part, so that the nominal value is not "
        "the claim's): [validation-sensitivity.md](validation-sensitivity.md).\n",
        "## What does not agree\n",
        disagreements(results),
        _EQUALITIES,
        _equalities(data["equalities"]),
        _CLAIMS,
    ]
    for name, result in in_order(results):
        parts += _claim(name, result)
    return "\n".join(part for part in parts if part)


def _head(claims: Sequence[Mapping[str, Any]]) -> str:
    kinds = [row.verdict.kind for result in claims for row in overview_rows(result)]
    inside, follows = kinds.count("inside"), kinds.count("follows")
    said = (f", {inside} inside their interval only" if inside else "") + (
        f", {follows} follows from an assumption" if follows else ""
    )
    return _HEAD.format(compared=len(kinds), misses=kinds.count("miss"), inside=said)


def _claim(name: str, result: Mapping[str, Any]) -> Iterator[str]:
    """One claim in detail, with its command and its plots."""
    for section in claim_sections(result, sensitivity=False):
        title, *blocks = _section(section, 3)
        yield from (title, f"`cosim reproduce --only {name}`\n", *blocks)
    if result["study"] == "same_workload":
        row = result["found"]["rows"][0]
        yield _TRAINING.format(
            here=_cell(row["tops_per_watt"][0], 3),
            simulated=result["found"]["iterations_simulated"],
            iterations=result["found"]["iterations"],
        )
    if result["study"] == "throughput":
        value = result["published"][0]["value"]
        yield (
            f"Cores alone over a finer grid of densities, and where they reach {value} x: "
            "[core-grid.md](core-grid.md).\n"
        )
    if result["study"] == "energy_gain":
        yield f"![Gain over sparsity]({_plot_name(name, 'surface')})\n"
    for at, sensitivity in enumerate(result["found"]["sensitivities"]):
        if _bars(sensitivity):
            yield f"![Sensitivity: {sensitivity['of']}]({_plot_name(name, _tornado_name(at))})\n"


def _calibrations(claims: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for result in claims:
        if result["study"] == "energy_gain":
            found = result["found"]
            factor = found["calibration"]["energy_factor"]
            rows.append([found["chip"], found["calibration"]["on"], found["calibration"]["uncalibrated"], factor])
    return Table(
        [
            Column("chip"),
            Column("published, dense", "TOPS/W", digits=3),
            Column("simulated, dense", "TOPS/W", digits=3),
            Column("factor on all energies", digits=3),
        ],
        rows,
    )


def sensitivity_page(data: Mapping[str, Any]) -> str:
    """Every assumption's influence on every headline number."""
    parts = [_SENSITIVITY_HEAD]
    for section in full_sections(result for _, result in in_order(data["results"])):
        parts += list(_section(section, 2))
    return "\n".join(parts)


def _bars(sensitivity: Mapping[str, Any]) -> list[Any]:
    """The assumptions that move the number at all, the most influential ones; then those that are in no interval."""
    why = {row["parameter"]: row["why"] for row in sensitivity["apart"]}
    moving = []
    for which in ("rows", "apart"):
        found = [
            (f"{name} ({why[name]})" if which == "apart" else name, values)
            for name, values in pairs(sensitivity, which)
            if any(number not in (None, sensitivity["nominal"]) for _, number in values)
        ]
        moving += found[: SHOWN_BARS[which]]
    return moving


def _tornado_name(at: int) -> str:
    return "sensitivity" + (f"-{at + 1}" if at else "")


def plots(data: Mapping[str, Any]) -> dict[str, str]:
    """File name -> SVG of every plot that the page shows."""
    found = {}
    for name, result in in_order(data["results"]):
        if result["study"] == "energy_gain":
            study = result["found"]
            chip = study["chip"]
            published = [(figure(value), value["value"] / study["calibration"]["on"]) for value in result["published"]]
            title = f"Energy gain of {chip} over sparsity"
            found[_plot_name(name, "surface")] = surface(title, study["surface"], published)
        for at, one in enumerate(result["found"]["sensitivities"]):
            if bars := _bars(one):
                title = one["of"][:1].upper() + one["of"][1:] + ": what it hangs on"
                found[_plot_name(name, _tornado_name(at))] = tornado(title, one["unit"], one["nominal"], bars)
    return found


def _plot_name(claim: str, kind: str) -> str:
    return f"validation-{claim.replace('_', '-')}-{kind}.svg"


def _not_run(claims: Sequence[str]) -> str:
    """Claims that `cosim reproduce` knows and this page does not speak of."""
    if not claims:
        return ""
    names = ", ".join(f"`{name}`" for name in claims)
    return f"**Not on this page**, because they were not run for it: {names}. `cosim reproduce --only NAME` runs one.\n"


def _equalities(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| what is held equal | pytest items | passed | FILE |", "|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row['what']} | {row['cases']} | {row['passed']} | `{row['file']}` |")
    return "\n".join(lines) + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    yield f"{'#' * level} {section.title[:1].upper()}{section.title[1:]}\n"
    for block in section.blocks:
        if isinstance(block, Table):
            yield _table(block)
        elif isinstance(block, Note):
            yield block.text + "\n"


def _table(table: Table) -> str:
    heads = [column.title + (f", {column.unit}" if column.unit else "") for column in table.columns]
    numeric = [any(isinstance(row[at], int | float) for row in table.rows) for at in range(len(heads))]
    lines = [f"**{table.title}**\n"] if table.title else []
    lines.append("| " + " | ".join(heads) + " |")
    lines.append("|" + "|".join("---:" if is_number else "---" for is_number in numeric) + "|")
    for row in table.rows:
        cells = [_cell(value, column.digits) for value, column in zip(row, table.columns, strict=True)]
        lines.append("| " + " | ".join(cells) + " |")
    if table.note:
        lines.append(f"\n{table.note}")
    return "\n".join(lines) + "\n"


def _cell(value: Any, digits: int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        text = f"{value:.{digits or 4}g}"
        # Whole numbers beyond the digits stay whole: 12345, not 1.23e+04.
        return text if "e" not in text else f"{value:.0f}" if abs(value) >= 1 else text
    return str(value)
