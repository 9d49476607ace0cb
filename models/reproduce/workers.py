"""Points are run once, in any of several processes, and kept on disk as soon as they have ended."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import multiprocessing
import os
import signal
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any

from cosim.scenario import Progress
from cosim.scenario.canonical import canonical_json

from .points import Point, program

__all__ = ["PointFailedError", "check_writable", "run_points", "write_whole"]


def run_points(
    points: Iterable[Point], folder: Path | None = None, *, workers: int = 1, progress: Progress | None = None
) -> dict[Point, dict[str, Any]]:
    """The result of every point; those that `folder` holds are read from there, the others are written to it.

    A point is written as soon as it has ended, so an interruption loses only those under way. KeyboardInterrupt ends
    the worker processes.
    """
    wanted = list(dict.fromkeys(points))
    # Named before anything runs, so that a file that changes meanwhile is noticed.
    names = {point: point.identity() for point in wanted}
    results: dict[Point, dict[str, Any]] = {}
    missing: list[Point] = []
    for point in wanted:
        kept = _read(folder, names[point])
        if kept is None:
            missing.append(point)
        else:
            results[point] = kept
    if progress is not None:
        progress("simulating", len(results), len(wanted))
    # Long ones first: a training at the end would keep one worker waiting.
    missing.sort(key=lambda point: '"fidelity": "functional"' not in point.text)
    for point, result in _run(missing, workers):
        if point.identity() != names[point]:
            raise PointFailedError(f"{point}: one of its files changed while it was simulated; run it again")
        results[point] = result
        _write(folder, names[point], result)
        if progress is not None:
            progress("simulating", len(results), len(wanted))
    return {point: results[point] for point in wanted}


def _run(points: list[Point], workers: int) -> Iterable[tuple[Point, dict[str, Any]]]:
    if workers < 2 or len(points) < 2:
        for point in points:
            try:
                yield point, point.simulate()
            except Exception as error:
                raise PointFailedError(f"{point}: {type(error).__name__}: {error}") from error
        return
    context = multiprocessing.get_context("spawn")  # fork would copy locks of other threads
    waiting = iter(points)
    with ExitStack() as stack:
        with _born_without_interrupts():
            idle = [stack.enter_context(_worker(context)) for _ in range(min(workers, len(points)))]
        at: dict[Connection, tuple[_Worker, Point]] = {}
        while True:
            for worker, point in zip(idle, waiting, strict=False):
                worker.send(point)
                at[worker.connection] = worker, point
            if not at:
                return
            ready = [connection for connection in wait(list(at)) if isinstance(connection, Connection)]
            idle = [at[connection][0] for connection in ready]
            for connection in ready:
                worker, point = at.pop(connection)
                yield point, worker.answer(point)


class PointFailedError(RuntimeError):
    """A point could not be simulated: which one, and why."""


@dataclass(frozen=True)
class _Worker:
    """A process that simulates what it is sent, and the pipe to it."""

    process: SpawnProcess
    connection: Connection

    def send(self, point: Point) -> None:
        try:
            self.connection.send(point)
        except OSError:  # it has ended: its pipe has no other end
            raise self._ended(point) from None

    def answer(self, point: Point) -> dict[str, Any]:
        """Of what it was sent last. Raises PointFailedError."""
        try:
            made_by, result, message, trace = self.connection.recv()
        except (EOFError, OSError):
            raise self._ended(point) from None
        if made_by != program():
            raise PointFailedError(f"{point}: the program's files changed while it ran; run it again")
        if result is None:
            error = PointFailedError(f"{point}: {message}")
            error.add_note(f"in a process of its own:\n{trace}")
            raise error
        return dict(result)

    def _ended(self, point: Point) -> PointFailedError:
        self.process.join(timeout=5)
        code = self.process.exitcode
        how = "" if code is None else f" by {signal.Signals(-code).name}" if code < 0 else f" with exit code {code}"
        return PointFailedError(
            f"{point}: a process that simulates was ended from outside{how}; is there enough memory?"
        )


@contextmanager
def _worker(context: SpawnContext) -> Iterator[_Worker]:
    """A process that simulates what it is sent. A pipe and no pool: nothing of it outlives a process that is left in
    the middle."""
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        yield _Worker(process, here)
    finally:
        here.close()
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    """The worker's life; over when the other end is closed, or gone. Answers are plain data and text: an exception of
    any kind arrives."""
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            point = connection.recv()
            try:
                answer = (program(), point.simulate(), "", "")
            except Exception as error:
                answer = (program(), None, f"{type(error).__name__}: {error}", traceback.format_exc())
            connection.send(answer)


@contextmanager
def _born_without_interrupts() -> Iterator[None]:
    """Ctrl-C reaches every process of the terminal; only the first one decides.

    Processes started here inherit the blocked signal, so that it cannot meet one before its first line has run. Here
    it is held back until the end of the block. For the main thread.
    """
    resource_tracker.ensure_running()  # started later, it would unblock the signal
    held_back: list[int] = []
    # Blocked in this thread only: others (of BLAS) may still take it, so it needs a handler as well.
    handler = signal.signal(signal.SIGINT, lambda number, _: held_back.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if held_back:
            signal.raise_signal(signal.SIGINT)


def check_writable(folder: Path, *files: str) -> None:
    """Make the folder, and see now, not after minutes, whether `files` can be written there. Raises OSError."""
    for name in files:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / name))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"x")


def _read(folder: Path | None, name: str) -> dict[str, Any] | None:
    """What is kept of a point; None where nothing is, or not as it was written: it is run again then."""
    if folder is None:
        return None
    try:
        kept = json.loads((folder / f"{name}.json").read_bytes())
        result: dict[str, Any] = kept["result"]
        return result if kept["digest"] == _digest(name, result) else None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _write(folder: Path | None, name: str, result: Mapping[str, Any]) -> None:
    if folder is not None:
        kept = {"digest": _digest(name, result), "result": result}
        write_whole(folder / f"{name}.json", canonical_json(kept, indent=None))


def _digest(name: str, result: Mapping[str, Any]) -> str:
    """Of a result and the point that it is of: another point's content, or a changed one, does not fit. ValueError for
    what is no plain data."""
    return hashlib.sha256(name.encode() + canonical_json(result, indent=None)).hexdigest()


def write_whole(place: Path, content: bytes) -> None:
    """A file that is there as a whole or not at all, also for who reads it meanwhile; makes its folder. Raises OSError
    that names the file, and leaves nothing beside it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(f".{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, place)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(place)) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
