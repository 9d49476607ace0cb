"""docs/validation.md: what agrees with published and recorded numbers, and what does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cosim.report import Note, Section, Table

from .report import claim_sections, overview, overview_rows
from .sensitivity import full_sections, most_influential, pairs
from .surface import surface
from .tornado import tornado

__all__ = ["plots", "sensitivity_page", "validation_page"]

SHOWN_BARS = 16

_HEAD = """# Validation

Made by `make validate` from `docs/validation.json`; not edited by hand.

Parts are validated: memory system, network and kernel do what other simulators do, event by event; one published
processing element's cycles are met exactly ([below](#equal-event-by-event)). The reference chip is not: its papers'
texts are not public, most of its inside is assumed, and its core engine is held against a cycle-stepped twin of our own
only. **No published efficiency at high sparsity is reached by the chips as assumed, nor the published throughput**:
this page says by how much, and what stands in the way in these models. Ranges of several chip parameters are not
combined in what follows: for LNPU, eight of them at favourable ends, together with all energies, do reach its 7.3
times.

LNPU and TSUNAMI are modelled on PNPU's multipliers, clock and memories, with their own skipping: their tables resemble
each other for that reason.

Nothing is tuned to meet a number: what the chips leave open is assumed, with reasons and plausible ranges
([assumptions.yaml](../scenarios/reproduce/assumptions.yaml)), and each chip has one calibration, on its dense figure,
which cancels in every ratio. Ranges were fixed before any sparse point was run, with the exceptions that are
[said below](#decided-with-a-result-known). `cosim reproduce` runs all of it again.
"""

_SENSITIVITY_HEAD = """# Sensitivity of the validation's numbers

Made by `make validate` from `docs/validation.json`; not edited by hand. Beside [validation.md](validation.md).

One assumption of [assumptions.yaml](../scenarios/reproduce/assumptions.yaml) at a time is set to the ends of its
plausible range (or to its alternatives), all else left as it is; where two chips are compared, in both that make it. A
derived chip shares the assumptions of PNPU but for those that its file replaces. Empty: the workload does not fit such
a chip, or it cannot be built. What is assumed of the chip `dense` beside PNPU's has no part in a claim. The pruning
unit's parameters are not simulated anew for energy gains: no pruning event is in these points, and a test holds that
they change nothing.
"""

_DECISIONS = """## Decided with a result known

Ranges and reasons were committed before any sparse point of this page was run. Two choices of the energy model were
made at the same time, when the quick start had already shown 3.27 TOPS/W (3.72 today) for PNPU at 90 % zero weights:
for the reasons given, not to meet a number, but knowing one.

* `core.operand_fetch` is charged for each multiply-accumulate; before, for all 16 values of a block that a lane looked
  at. Reason: a lane reads the bitmap, and takes from the buffer what is effectual. Sparse runs become cheaper by it.
* Clocks run while a unit has a task; before, always.

Four ranges came when the gains were known: the alternatives of `core.macs_per_lane` and `noc.mesh`, which had none, and
of `noc.unit_nodes` and `dma.request`, which are parameters since. So did the ranges of the pruning schedule.

The densities of the published networks were in their input files before they were in the record of assumptions.
"""


def validation_page(data: Mapping[str, Any]) -> str:
    """The page as Markdown; `data` is docs/validation.json."""
    results = data["results"]
    parts = [_HEAD, *_section(overview(results), 2), _not_run(data["not_run"]), _disagreements(results)]
    claims = list(results["claims"].values())
    without = [result["claim"] for result in claims if not result["found"]["sensitivities"]]
    if without:
        parts.append(f"**Without sensitivities**, from a run that did not have them: {'; '.join(without)}.\n")
    parts += [
        _table(most_influential(claims)),
        "All of them, and on how much work each was varied (of trainings on a part, so that the nominal value is not "
        "the claim's): [validation-sensitivity.md](validation-sensitivity.md).\n",
    ]
    parts += [_DECISIONS, "## Equal, event by event\n", _equalities(data["equalities"])]
    for name, result in results["claims"].items():
        for section in claim_sections(result, sensitivity=False):
            parts += list(_section(section, 2))
        if result["study"] == "energy_gain":
            parts.append(f"![Gain over sparsity]({_plot_name(name, 'surface')})\n")
        for at, sensitivity in enumerate(result["found"]["sensitivities"]):
            if _bars(sensitivity):
                parts.append(f"![Sensitivity: {sensitivity['of']}]({_plot_name(name, _tornado_name(at))})\n")
    return "\n".join(parts)


def sensitivity_page(data: Mapping[str, Any]) -> str:
    """Every assumption's influence on every headline number."""
    parts = [_SENSITIVITY_HEAD]
    for section in full_sections(data["results"]["claims"].values()):
        parts += list(_section(section, 2))
    return "\n".join(parts)


def _bars(sensitivity: Mapping[str, Any]) -> list[Any]:
    """The assumptions that move the number at all, the most influential ones."""
    moving = [
        (name, values)
        for name, values in pairs(sensitivity)
        if any(number not in (None, sensitivity["nominal"]) for _, number in values)
    ]
    return moving[:SHOWN_BARS]


def _tornado_name(at: int) -> str:
    return "sensitivity" + (f"-{at + 1}" if at else "")


def plots(data: Mapping[str, Any]) -> dict[str, str]:
    """File name -> SVG of every plot that the page shows."""
    found = {}
    for name, result in data["results"]["claims"].items():
        if result["study"] == "energy_gain":
            study = result["found"]
            chip = study["chip"]
            published = [value["value"] / study["calibration"]["on"] for value in result["published"]]
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


def _disagreements(results: Mapping[str, Any]) -> str:
    """What does not agree, said plainly, with the numbers that say why."""
    lines = ["## What does not agree\n"]
    for name, result in results["claims"].items():
        for at, row in enumerate(overview_rows(name, result)):
            claim, published, verdict = row[0], row[1], row[-1]
            if str(verdict).startswith("miss"):
                lines.append(f"* **{claim}, {published}**: {verdict}.{_cause(result, at)}")
            elif str(verdict).startswith("inside"):
                lines.append(f"* **{claim}, {published}**: {verdict}.")
    return "\n".join(lines) + "\n"


def _cause(result: Mapping[str, Any], at: int) -> str:
    """The most likely cause of a published value's miss, from the split of the sparse energy."""
    if result["study"] == "throughput":
        rows = {row["input"]: row for row in result["found"]["algebra"]}
        ff = min(row["ff"] for row in rows.values())
        return (
            " Inferred: other conditions. At equal multipliers and clock, FF alone needs "
            f"{100 * (1 - ff):.1f} % zero "
            "weights; the published factor may compare different numbers of multipliers, clocks or formats."
        )
    if result["study"] == "pruning":
        return " Inferred: the published figure counts coarse operations, per event, on layers of more channels."
    if result["study"] == "same_workload":
        return (
            " Inferred: 5.79 is the quotient of two titles. LNPU's 25.3 is for one operand at 90 % zeros (from "
            "memory); format and sparsity of 146.52 are not published. Each is a best case of its own; here both do "
            "the same work, with one energy table."
        )
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
        fewer = found["corner"]["macs_ratio"]
        return (
            f" With every other part free of charge, a what-if, the gain is still below {target:.1f} x: executed "
            f"multiply-accumulates fall by {fewer:.1f} x only.{_beyond(found)}"
        )
    shares = ", ".join(f"{part} {100 * parts[part] / total:.0f} %" for part in taken[:4])
    return (
        " Inferred, from the split of the simulated energy: what does not shrink with the multiply-accumulates, in "
        f"this order: {shares}. If these are free of charge, a what-if on the recorded counts and not a chip, it takes "
        f"{len(taken)} of {len(parts)} parts ({', '.join(taken)}) until the gain reaches {target:.1f} x. The published "
        "figure may be of the cores alone, on data that is already there; its conditions are not published."
    )


def _beyond(found: Mapping[str, Any]) -> str:
    """Other chips that execute still fewer multiply-accumulates."""
    fewer = [row for row in found["others"] if row["macs_ratio"] > 1.1 * found["corner"]["macs_ratio"]]
    return "".join(
        f" The variant {row['chip']}, also simulated, executes {row['macs_ratio']:.0f} x fewer; its gain is "
        f"{row['gain']:.1f} x."
        for row in fewer
    )


def _equalities(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| what is held equal | cases | passed | test |", "|---|---|---|---|"]
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
