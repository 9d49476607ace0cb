"""Points are run once, in any of several processes, and kept on disk as soon as they have ended."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any

from cosim.scenario import Progress
from cosim.scenario.canonical import canonical_json

from .points import Point

__all__ = ["run_points"]


def run_points(
    points: Iterable[Point], folder: Path | None = None, *, workers: int = 1, progress: Progress | None = None
) -> dict[Point, dict[str, Any]]:
    """The result of every point; those that `folder` holds are read from there, the others are written to it.

    A point is written as soon as it has ended, so an interruption loses only those under way. KeyboardInterrupt ends
    the worker processes.
    """
    wanted = list(dict.fromkeys(points))
    results: dict[Point, dict[str, Any]] = {}
    missing: list[Point] = []
    for point in wanted:
        kept = _read(folder, point)
        if kept is None:
            missing.append(point)
        else:
            results[point] = kept
    if progress is not None:
        progress("simulating", len(results), len(wanted))
    # Long ones first: a training at the end would keep one worker waiting.
    missing.sort(key=lambda point: '"fidelity": "functional"' not in point.text)
    for point, result in _run(missing, workers):
        results[point] = result
        _write(folder, point, result)
        if progress is not None:
            progress("simulating", len(results), len(wanted))
    return {point: results[point] for point in wanted}


def _run(points: list[Point], workers: int) -> Iterable[tuple[Point, dict[str, Any]]]:
    if workers < 2 or len(points) < 2:
        for point in points:
            yield point, point.simulate()
        return
    context = multiprocessing.get_context("spawn")  # fork would copy locks of other threads
    waiting = iter(points)
    with ExitStack() as stack:
        with _born_without_interrupts():
            idle = [stack.enter_context(_worker(context)) for _ in range(min(workers, len(points)))]
        at: dict[Connection, Point] = {}
        while True:
            for connection, point in zip(idle, waiting, strict=False):
                connection.send(point)
                at[connection] = point
            if not at:
                return
            idle = [connection for connection in wait(list(at)) if isinstance(connection, Connection)]
            for connection in idle:
                yield at.pop(connection), _answer(connection)


@contextmanager
def _worker(context: SpawnContext) -> Iterator[Connection]:
    """A process that simulates what it is sent. A pipe and no pool: nothing of it outlives a process that is left in
    the middle."""
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.terminate()
        process.join()


def _serve(connection: Connection) -> None:
    """The worker's life; over when the other end is closed."""
    with contextlib.suppress(EOFError):
        while True:
            point = connection.recv()
            try:
                answer = point.simulate()
            except Exception as error:
                answer = error
            connection.send(answer)


def _answer(connection: Connection) -> dict[str, Any]:
    try:
        answer = connection.recv()
    except EOFError:
        raise RuntimeError("a process that simulates was ended from outside; is there enough memory?") from None
    if isinstance(answer, Exception):
        raise answer
    return dict(answer)


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


def _place(folder: Path, point: Point) -> Path:
    return folder / f"{point.identity()}.json"


def _read(folder: Path | None, point: Point) -> dict[str, Any] | None:
    if folder is None:
        return None
    try:
        return dict(json.loads(_place(folder, point).read_bytes()))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _write(folder: Path | None, point: Point, result: Mapping[str, Any]) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    place = _place(folder, point)
    partial = place.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(canonical_json(result, indent=None))
    os.replace(partial, place)
