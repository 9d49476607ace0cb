"""How far a chip's energy gain reaches with several assumptions at once: `python -m studies.joint CLAIM`, some minutes.

From the parameters of the chip that move the gain by themselves, each at its better (worse) value, one after the other
is tried at all its plausible values, those that move it most first, until no single change helps any more; every energy
is where in its range it is best (worst) for each combination. What the record keeps apart (what-ifs, and ranges of a
time when the gains were known) is left as it is. What is printed is a claim file's `joint:`. The search ends in a local
extreme: a better combination may exist.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cosim.models.reproduce.claims import load_claims, reproduce
from cosim.models.reproduce.elements import Spent
from cosim.models.reproduce.layer_points import DENSE, layer_point
from cosim.models.reproduce.parameters import with_parameters
from cosim.models.reproduce.schema import GainStudy
from cosim.models.reproduce.variants import applicable, text_of
from cosim.models.reproduce.workers import run_points

ROOT = Path(__file__).resolve().parent.parent
LEAST_EFFECT = 0.003
"""Parameters that move the gain by less, alone, are left as they are."""
IRRELEVANT = ("pruning_unit.", "operating_points.")


class Search:
    """The gain of a study's layer at the sparse point, at an end of all energies, over the chip's parameters."""

    def __init__(self, study: GainStudy, seed: int, folder: Path, *, greatest: bool) -> None:
        self.study, self.seed, self.folder, self.greatest = study, seed, folder, greatest
        rows = applicable(study.chip, study.record, study.record_of)
        self.choices = {
            path: (None, *row.others)
            for path, row in rows.items()
            if row.others and not row.apart and not path.startswith(IRRELEVANT)
        }

    def gain(self, values: Mapping[str, Any]) -> float | None:
        """With these parameters changed; None where there is no such chip, or the layer does not fit it."""
        try:
            chip = with_parameters(self.study.chip, values)
            points = [
                layer_point(chip, self.study.memory, self.study.layer, at, self.seed)
                for at in (DENSE, self.study.sparse_point)
            ]
        except ValidationError:
            return None
        results = run_points(points, self.folder)
        dense, sparse = (Spent.of(chip, results[point]["chips"][0]) for point in points)
        return dense.extremes_over(sparse)[self.greatest]

    def better(self, one: float | None, other: float) -> bool:
        return one is not None and (one > other if self.greatest else one < other)

    def run(self, alone: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """The parameters that differ from the file's, and the gain. `alone`: the gain's sensitivity."""
        nominal = alone["nominal"]
        moved: dict[str, list[tuple[float, Any]]] = {}
        for row in alone["rows"]:
            values = [value for value in self.choices.get(row["parameter"], ()) if value is not None]
            value = next((one for one in values if text_of(row["parameter"], one) == row["value"]), None)
            if value is not None and row["number"] is not None and abs(row["number"] / nominal - 1) > LEAST_EFFECT:
                moved.setdefault(row["parameter"], []).append((row["number"], value))
        order = list(moved)  # rows are sorted by influence
        chosen: dict[str, Any] = {}
        best = self.gain({})
        if best is None:
            raise ValueError("the layer does not fit the chip as it is")
        changed = True
        while changed:
            changed = False
            for path in order:
                for value in self.choices[path]:
                    tried = {other: at for other, at in chosen.items() if other != path}
                    if value is not None:
                        tried[path] = value
                    gain = self.gain(tried) if tried != chosen else None
                    if gain is not None and self.better(gain, best):
                        chosen, best, changed = tried, gain, True
                        print(f"  {path} {value}: {best:.5g}", file=sys.stderr, flush=True)
        return chosen, best


def main() -> None:
    """Print the ends that were found for a claim."""
    name = sys.argv[1]
    claim = load_claims(ROOT / "scenarios" / "reproduce", [name])[name]
    folder = ROOT / "runs" / "reproduce" / "points"
    alone = reproduce({name: claim}, folder, workers=2)["claims"][name]["found"]["sensitivities"][0]
    print("  joint:", flush=True)
    for end in ("greatest", "least"):
        chosen, best = Search(claim.study, claim.seed, folder, greatest=end == "greatest").run(alone)
        found = ", ".join(f"{path}: {value}" for path, value in chosen.items())
        print(f"    {end}: {{{found}}}  # {best:.5g}", flush=True)


if __name__ == "__main__":
    main()
