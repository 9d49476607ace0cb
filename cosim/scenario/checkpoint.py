"""Checkpoints: what a long run puts away, so that it goes on to the same bytes after it was interrupted.

    cosim run s.yaml --out out                          # every 10 minutes, and when it is stopped: Ctrl-C, SIGTERM
    cosim run s.yaml --out out --checkpoint-every 100   # every 100 iterations; or "30 s", "2 h", off
    cosim run s.yaml --out out --resume                 # goes on, or starts where there is nothing to go on from

A scenario kind takes part by calling `context.checkpoint(done, total, state)` after each iteration, and by going on
from `context.saved` if that is not None; everything else is done here. Where a run is interrupted, and how often,
changes no byte of its summary and its statistics.

There is one checkpoint, `checkpoint.npz` in the run folder; a newer one takes its place by rename, and the end of the
run removes it. It is an archive of numpy arrays with two JSON members: `checkpoint.json` says what it is of, and is
compared before anything else is read; `data.json` is what the kind gave. Nothing is pickled. It is refused, in one
line, unless the scenario, the contents of its data files, and the program (its version, its Python sources, those of
the plug-ins, and its C library) are the same: anything else could continue to other bytes. Damage is found by the
checksums of the archive. The state of the C engines is taken as it is: a checkpoint is no format for exchange.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cosim

from .._install import compiled_source_hash
from ..arrays import DAMAGES, UNSUSPECTED_BYTES, Arrays, open_archive, read_member
from ..registry import registry
from .canonical import canonical_json
from .folder import CHECKPOINT
from .interrupts import HeldInterrupts
from .loader import LoadedScenario

__all__ = [
    "CHECKPOINT",
    "Checkpoint",
    "CheckpointError",
    "Every",
    "Keeper",
    "RunInterrupted",
    "State",
    "program_sha256",
]

VERSION = 1
HEADER, DATA = "checkpoint.json", "data.json"
_HEADER_LIMIT = 1 << 16
_DATA_LIMIT = 1 << 28


class CheckpointError(Exception):
    """The checkpoint cannot be gone on from; the message says why."""

    exit_code = 2


class RunInterrupted(KeyboardInterrupt):
    """The run was stopped after `done` of `total` iterations, and can go on from there."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(done, total)
        self.done, self.total = done, total


@dataclass(frozen=True)
class State:
    """What a kind puts away: arrays by name (parts of a name divided by "/"), and data for JSON."""

    arrays: Mapping[str, Any]
    data: Any


@dataclass(frozen=True)
class Every:
    """How often: every so many iterations, or seconds of wall-clock time; both None: only when the run is stopped."""

    iterations: int | None = None
    seconds: float | None = 600.0

    @classmethod
    def parse(cls, text: str) -> Every:
        """`100` (iterations), `30 s`, `10 min`, `2 h`, or `off`. ValueError for anything else."""
        if text == "off":
            return cls(seconds=None)
        found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) *(s|min|h|)", text.strip(), re.ASCII)
        if found is None or not float(found[1]) or (not found[2] and "." in found[1]):
            raise ValueError(f"expected a number of iterations, a time like '10 min', or 'off', got {text!r}")
        if not found[2]:
            return cls(iterations=int(found[1]), seconds=None)
        return cls(seconds=float(found[1]) * {"s": 1, "min": 60, "h": 3600}[found[2]])


@functools.cache
def program_sha256() -> str:
    """The hash of all that computes: the Python sources of this program and its plug-ins, and its C library."""
    digest = hashlib.sha256(f"{cosim.__version__} {compiled_source_hash()}".encode())
    roots = {Path(cosim.__file__).parent}
    for plugin in registry().plugins:
        spec = importlib.util.find_spec(plugin.target.partition(":")[0])
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            roots.add(origin.parent if origin.name == "__init__.py" else origin)
    for root in sorted(roots):
        for file in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _header(scenario: LoadedScenario) -> dict[str, Any]:
    return {
        "version": VERSION,
        "name": scenario.name,
        "seed": scenario.spec.seed,
        "identity": scenario.identity(),
        "cosim_version": cosim.__version__,
        "program_sha256": program_sha256(),
    }


@dataclass
class Checkpoint:
    """A checkpoint that belongs to the scenario, open: `done` of `total` iterations, what the kind gave, and after how
    many iterations the run was taken up before. Arrays are read when they are asked for."""

    path: Path
    done: int
    total: int
    data: Any
    arrays: Mapping[str, Any]
    resumed: tuple[int, ...]
    _archive: zipfile.ZipFile = field(repr=False)

    @classmethod
    def open(cls, path: Path, scenario: LoadedScenario) -> Checkpoint:
        """Raises CheckpointError."""
        try:
            archive = open_archive(path)
        except OSError as error:
            raise CheckpointError(f"{path}: {error.strerror}") from None
        except DAMAGES:
            raise CheckpointError(f"{path}: damaged, or not a checkpoint; start again with --force") from None
        try:
            with refused(path):
                found = json.loads(read_member(archive, HEADER, _HEADER_LIMIT))
                _compare(path, found, scenario)
                done, total, resumed = found["done"], found["total"], found["resumed"]
                if not 1 <= done <= total:
                    raise ValueError(f"{done} of {total} iterations")
                data = json.loads(read_member(archive, DATA, _DATA_LIMIT))
                return cls(path, done, total, data, Arrays(archive), (*map(int, resumed), done), archive)
        except BaseException:
            archive.close()
            raise

    def close(self) -> None:
        """No more arrays are wanted."""
        self._archive.close()

    def restoring(self) -> contextlib.AbstractContextManager[None]:
        """Around the code that takes the state back: what does not fit becomes a CheckpointError."""
        return refused(self.path)


@contextlib.contextmanager
def refused(path: Path) -> Iterator[None]:
    """What reading damaged or wrong data raises becomes one CheckpointError."""
    try:
        yield
    except (*DAMAGES, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise CheckpointError(f"{path}: damaged ({what}); start again with --force") from None


def _compare(path: Path, found: Mapping[str, Any], scenario: LoadedScenario) -> None:
    version, seed = found["version"], found["seed"]
    if version != VERSION:
        raise CheckpointError(f"{path}: version {version!r:.20} of checkpoints; this program reads {VERSION}")
    expected = _header(scenario)
    if found["identity"] != expected["identity"]:
        name = str(found["name"])[:100]
        raise CheckpointError(
            f"{path}: of another scenario, or of other data ('{name}', seed {seed!r:.20}); choose another --out, or "
            "start again with --force"
        )
    if found["cosim_version"] != expected["cosim_version"]:
        raise CheckpointError(
            f"{path}: made by cosim {str(found['cosim_version'])[:40]}, this is {cosim.__version__}: go on with that "
            "one, or start again with --force"
        )
    if found["program_sha256"] != expected["program_sha256"]:
        raise CheckpointError(
            f"{path}: made before this program or a plug-in of it was changed: go on with the old one, or start again "
            "with --force"
        )


def write_checkpoint(path: Path, partial: Path, header: Mapping[str, Any], state: State) -> None:
    """Write it to `partial`, a file on the same file system, then put it in the place of `path`."""
    import numpy as np  # noqa: PLC0415  (only runs need it)

    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in ((HEADER, canonical_json(header)), (DATA, json.dumps(state.data).encode())):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 1)
        for name, array in state.arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            # Larger ones are not packed: whoever reads them back is wary of much that comes of little.
            member.compress_type = zipfile.ZIP_DEFLATED if array.nbytes < UNSUSPECTED_BYTES else zipfile.ZIP_STORED
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    os.replace(partial, path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class Keeper:
    """Writes the checkpoints of one run, when they are due and when it is to stop."""

    def __init__(
        self,
        path: Path,
        partial: Path,
        scenario: LoadedScenario,
        every: Every,
        held: HeldInterrupts,
        before: Checkpoint | None,
    ) -> None:
        self._path, self._partial, self._scenario = path, partial / CHECKPOINT, scenario
        self._every, self._held = every, held
        self._header: dict[str, Any] = {}
        self._resumed = before.resumed if before is not None else ()
        self._last = time.monotonic()

    def reached(self, done: int, total: int, state: Callable[[], State]) -> None:
        """The run can be gone on from here. RunInterrupted if it is to stop."""
        self._held.defer()
        stop = self._held.pending
        if stop or self._due(done):
            self._header = self._header or _header(self._scenario)
            header = {**self._header, "done": done, "total": total, "resumed": list(self._resumed)}
            write_checkpoint(self._path, self._partial, header, state())
            self._last = time.monotonic()
        if stop:
            raise RunInterrupted(done, total)

    def _due(self, done: int) -> bool:
        if self._every.iterations is not None:
            return done % self._every.iterations == 0
        return self._every.seconds is not None and time.monotonic() - self._last >= self._every.seconds
