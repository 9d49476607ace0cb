"""What a scenario's run function is given beside its spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..trace import Timeline
from .canonical import canonical, canonical_json

if TYPE_CHECKING:
    import numpy as np

    from .checkpoint import Checkpoint, Keeper, State

__all__ = ["Progress", "RunContext", "spawn_key"]

Progress = Callable[[str, int, int], None]
"""Called with (phase, done, total)."""

_RESERVED = ("manifest.json", "scenario.resolved.yaml", "summary.json", "report.html", "checkpoint.npz")
STATISTICS = "statistics.json"
TIMELINE = "timeline.json"


def spawn_key(name: str) -> tuple[int, ...]:
    """The NumPy spawn key of a stream: four words of the SHA-256 of its name."""
    digest = hashlib.sha256(name.encode()).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))


class RunContext:
    """One run's services: random streams, progress, outputs, files beside the scenario.

    `seed` is the scenario's; `shuffle_seed` shuffles the order of same-time events and must change no result
    (None: construction order). `folder` is where files go (None: the run has no folder).
    """

    def __init__(
        self,
        *,
        seed: int,
        shuffle_seed: int | None = None,
        scenario_file: Path | None = None,
        folder: Path | None = None,
        progress: Progress | None = None,
        saved: Checkpoint | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.seed = seed
        self.shuffle_seed = shuffle_seed
        self.folder = folder
        self.files: list[str] = []
        self.saved = saved
        """The checkpoint to go on from, if any."""
        self._keeper = keeper
        self.statistics: Any = None
        self.timeline: Any = None
        self.timeline_json = b""
        self._scenario_file = scenario_file
        self._progress = progress
        self._streams: set[str] = set()

    def seed_sequence(self, name: str) -> np.random.SeedSequence:
        """The seed of one named stream. It depends on the scenario's seed and the name only: no other component,
        and no order of calls, shifts it. Raises ValueError if the name was asked for before."""
        import numpy as np  # noqa: PLC0415  (only runs need it)

        if name in self._streams:
            raise ValueError(f"random stream '{name}' is in use already; two users of one stream would be correlated")
        self._streams.add(name)
        return np.random.SeedSequence(self.seed, spawn_key=spawn_key(name))

    def stream(self, name: str) -> np.random.Generator:
        """A PCG64 generator of the named stream; see `seed_sequence`."""
        import numpy as np  # noqa: PLC0415

        return np.random.Generator(np.random.PCG64(self.seed_sequence(name)))

    def progress(self, phase: str, done: int, total: int) -> None:
        """Tell how far the run is: `done` of `total` in `phase`. Cheap enough for once per task, not per event."""
        if self._progress is not None:
            self._progress(phase, done, total)

    def checkpoint(self, done: int, total: int, state: Callable[[], State]) -> None:
        """After each iteration, `done` of `total`: the run can go on from `state()`, which is called if it is put away.

        Raises RunInterrupted, after the state is put away, if the run is to stop. Ctrl-C is not raised from the first
        call on; a second one is, anywhere. What was written with `open` is not part of a checkpoint.
        """
        if self._keeper is not None:
            self._keeper.reached(done, total, state)

    def resolve(self, path: str | Path) -> Path:
        """A path relative to the scenario file. (Files named in a spec as InputFile are absolute already.)"""
        here = self._scenario_file.parent if self._scenario_file is not None else Path()
        return here / path

    def write_statistics(self, statistics: Any) -> None:
        """Keep plain data as the run's `statistics.json`."""
        self.statistics = canonical({"statistics": statistics})["statistics"]

    def write_timeline(self, timeline: Any) -> None:
        """Keep a `cosim.trace.Timeline`, or plain data, as the run's `timeline.json`."""
        # A Timeline writes its times exactly; through floats they would not stay so.
        text = timeline.to_json().encode() if isinstance(timeline, Timeline) else canonical_json(timeline, indent=None)
        self.timeline_json, self.timeline = text, json.loads(text)

    def open(self, name: str, mode: str = "w") -> IO[Any]:
        """A new file of this name in the run folder ('w': UTF-8 text, 'wb': bytes). Raises ValueError without a folder,
        for a name with a directory in it, and for the names that the run itself writes."""
        if self.folder is None:
            raise ValueError(f"{name}: this run has no folder")
        taken = (*_RESERVED, STATISTICS, TIMELINE, *self.files)
        if Path(name).name != name or name.startswith(".") or name in taken:
            raise ValueError(f"{name!r} cannot be an output file: it must be a new plain name")
        if mode not in ("w", "wb"):
            raise ValueError(f"mode {mode!r}: expected 'w' or 'wb'")
        self.files.append(name)
        return (self.folder / name).open(mode, encoding=None if "b" in mode else "utf-8")
