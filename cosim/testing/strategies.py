"""The strategies; see the package."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

__all__ = ["KEEP", "Request", "masks", "scenarios", "traffic"]

KEEP = object()
"""Among the values of a knob: what the scenario says."""


@dataclass(frozen=True)
class Request:
    """One access: its time, its place, its size in bytes, its direction."""

    time_ps: int
    address: int
    size: int
    is_write: bool


@st.composite
def traffic(
    draw: st.DrawFn,
    *,
    capacity: int,
    max_requests: int = 50,
    alignment: int = 64,
    max_gap_ps: int = 100_000,
) -> tuple[Request, ...]:
    """Requests in order of time to a memory of `capacity` bytes, each within `alignment` bytes: bursts and pauses, few
    places and many.

    ValueError unless `capacity` holds one aligned request.
    """
    if not 1 <= alignment <= capacity:
        raise ValueError(f"a memory of {capacity} bytes holds no access of {alignment}")
    places = capacity // alignment
    # Some of a few places, or anywhere: conflicts and hits are both likely.
    few = draw(st.lists(st.integers(0, places - 1), min_size=1, max_size=4, unique=True))
    place = st.sampled_from(few) | st.integers(0, places - 1)
    drawn = draw(
        st.lists(
            st.tuples(st.just(0) | st.integers(0, max_gap_ps), place, st.integers(1, alignment), st.booleans()),
            max_size=max_requests,
        )
    )
    now, requests = 0, []
    for gap, at, size, is_write in drawn:
        now += gap
        requests.append(Request(now, at * alignment, size, is_write))
    return tuple(requests)


@st.composite
def masks(draw: st.DrawFn, shape: Sequence[int], *, block: int = 4) -> npt.NDArray[np.bool_]:
    """Boolean arrays of `shape`: all, none, independent elements, whole rows along the last axis, aligned blocks of
    `block` along it, or rows of different density."""
    kind = draw(st.sampled_from(("all", "none", "independent", "rows", "blocks", "uneven")))
    if kind in ("all", "none"):
        return np.full(tuple(shape), kind == "all")
    density = draw(st.sampled_from((0.5, 0.1, 0.9)))
    random = np.random.default_rng(draw(st.integers(0, 2**16 - 1)))
    if kind == "rows":
        return np.broadcast_to(random.random((*shape[:-1], 1)) < density, tuple(shape)).copy()
    if kind == "blocks":
        blocks = random.random((*shape[:-1], -(-shape[-1] // block))) < density
        return np.repeat(blocks, block, axis=-1)[..., : shape[-1]].copy()
    if kind == "uneven":
        return np.asarray(random.random(tuple(shape)) < random.random((*shape[:-1], 1)))
    return np.asarray(random.random(tuple(shape)) < density)


@st.composite
def scenarios(
    draw: st.DrawFn, base: Mapping[str, Any], knobs: Mapping[str, Sequence[Any] | st.SearchStrategy[Any]]
) -> dict[str, Any]:
    """Copies of the scenario `base` (plain data, as `LoadedScenario.resolved()` gives it) with other values at the
    paths of `knobs`.

    A path is `chip.core.lanes`; its values are a sequence, the simplest first, or a strategy. `KEEP` leaves what is
    there; a mapping is put over a mapping that is there, key by key. Nothing is validated: a copy may be no scenario.
    """
    varied = copy.deepcopy(dict(base))
    for path, values in knobs.items():
        value = draw(values if isinstance(values, st.SearchStrategy) else st.sampled_from(values))
        if value is KEEP:
            continue
        *parents, last = path.split(".")
        node: Any = varied
        for step in parents:
            node = node.setdefault(step, {})
        below = node.get(last)
        node[last] = {**below, **value} if isinstance(below, dict) and isinstance(value, dict) else value
    return varied
