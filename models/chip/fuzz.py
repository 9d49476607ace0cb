"""Variations of a training scenario that must keep the laws of `invariants`, and the smallest of those that do not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, assume, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from pydantic import ValidationError
from pydantic_core import to_json

from cosim.testing import KEEP, scenarios

from ..dram.presets import PRESETS
from ..dram.schedulers import SCHEDULERS
from .invariants import violations
from .training import TrainingScenario

_DENSITIES = st.sampled_from((1.0, 0.0, 0.5, 0.1))


@st.composite
def layers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One or two small layers, unconnected: convolutions with stride, padding and groups, or linear ones."""
    described = []
    for number in range(draw(st.integers(1, 2))):
        groups = draw(st.sampled_from((1, 1, 2)))
        r, s = draw(st.sampled_from(((1, 1), (3, 3), (2, 1))))
        h, w = r + draw(st.integers(0, 4)), s + draw(st.integers(0, 4))
        described.append(
            {
                "name": "ab"[number],
                "c": groups * draw(st.integers(1, 9)),
                "h": h,
                "w": w,
                "k": groups * draw(st.integers(1, 9)),
                "r": r,
                "s": s,
                "stride": draw(st.integers(1, 2)),
                "pad": draw(st.integers(0, 1)),
                "groups": groups,
                "density": {"x": draw(_DENSITIES), "w": draw(_DENSITIES), "dy": draw(_DENSITIES)},
                "first": number == 0 and draw(st.booleans()),
            }
        )
    return described


_WORKLOAD = st.fixed_dictionaries(
    {
        "fidelity": st.just("statistical"),
        "layers": layers(),
        "batch": st.integers(1, 3),
        "iterations": st.integers(1, 3),
        "channel_spread": st.sampled_from((0.0, 0.5)),
    }
)
_RAMP = {"sparsity": 0.5, "begin": 0.0, "end": 0.9}
_PRUNING = (
    {"schedule": "none"},
    {"schedule": "gradual", **_RAMP},
    {"schedule": "scfp", **_RAMP},
    {"schedule": "cfp", **_RAMP, "unit": {"channels_out": 2, "channels_in": 3}},
)

KNOBS: Mapping[str, Sequence[Any] | st.SearchStrategy[Any]] = {
    "workload": _WORKLOAD,
    "pruning": _PRUNING,
    "seed": st.integers(0, 3),
    "hindsight": (False, True),
    "chip.core": (KEEP, {"lanes": 1, "group": 1}, {"lanes": 4, "group": 2}, {"lanes": 6, "group": 3}),
    "chip.core.count": (KEEP, 1, 2, 3),
    "chip.core.window": (KEEP, 1, 3),
    "chip.core.queue": (KEEP, 1, 2),
    "chip.core.macs_per_lane": (KEEP, 2),
    "chip.core.run_ahead": (KEEP, 1),
    "chip.core.coarse_jump": (KEEP, 0, 1),
    "chip.core.balance": (KEEP, "static", "random", "balanced"),
    "chip.core.switch_cycles": (KEEP, 7),
    "chip.dma.outstanding": (KEEP, 1),
    "chip.noc.ideal": (KEEP, True),
    "chip.noc.vcs": (KEEP, 1),
    "chip.noc.buffer": (KEEP, 2),
    "chip.core.banks": (KEEP, "conflict"),
    "chip.ideal_sram": (KEEP, True),
    "chip.pruning_unit.shared": (KEEP, False),
    "chip.storage.activations": (KEEP, "dense"),
    "chip.storage.weights": (KEEP, "dense"),
    "memory.preset": (KEEP, *sorted(PRESETS)),
    "memory.scheduler": (KEEP, *sorted(SCHEDULERS)),
    "memory.channels": (KEEP, 2),
    "memory.ranks": (KEEP, 2),
    "memory.page": (KEEP, "open", "closed"),
}
"""What varies: the workload always, so that an example takes a fraction of a second; the chip and its memory from what
the scenario says."""

_REPLACED = ("workload", "pruning", "hindsight", "seed")


@dataclass(frozen=True)
class Failure:
    """A scenario that breaks laws, and which ones; `spec` is the smallest that was found."""

    spec: TrainingScenario
    broken: tuple[str, ...]


class NothingFitsError(Exception):
    """No variation of the scenario can run."""

    exit_code = 2


class _BrokenError(Exception):
    pass


def broken_laws(spec: TrainingScenario, most: int | None = None) -> tuple[str, ...]:
    """What is wrong with a scenario's runs, one line each, at most so many. What a run raises is, too, unless it says
    that something does not fit."""
    try:
        return tuple(map(str, itertools.islice(violations(spec), most)))
    except Exception as error:
        if getattr(error, "exit_code", None) == 2:
            raise
        return (f"runs to its end: {type(error).__name__}: {error}",)


def fuzz(
    scenario: Mapping[str, Any], examples: int, seed: int, progress: Callable[[str, int, int], None] | None = None
) -> Failure | None:
    """Check so many variations of a resolved training scenario; the smallest failure that was found, or None.

    Equal arguments give equal variations. Raises NothingFitsError where none of them can run.
    """
    base = {key: value for key, value in scenario.items() if key not in _REPLACED}
    base |= {"baselines": [], "simulate": {"every": 1}, "timeline": {"iterations": 0}}
    smallest: list[Failure] = []
    ran = 0

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    @given(scenarios(base, KNOBS))
    def holds(varied: dict[str, Any]) -> None:
        nonlocal ran
        try:
            spec = TrainingScenario.model_validate_json(to_json(varied), strict=True)
            laws = broken_laws(spec, 1)
        except ValidationError:
            assume(False)
        except Exception as error:
            assume(getattr(error, "exit_code", None) != 2)
            raise
        if progress is not None and not smallest:
            ran += 1
            progress("checking variations", min(ran, examples), examples)
        if laws:
            smallest[:] = [Failure(spec, laws)]
            raise _BrokenError

    try:
        holds()
    except _BrokenError:
        return smallest[0]
    except Unsatisfiable:
        raise NothingFitsError("no variation of this scenario can run") from None
    return None
