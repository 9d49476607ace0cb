"""Runs a sweep: each point in a run folder of its own, several at once if wanted, and at the end all of them together.

The sweep's folder holds the points' folders and, when the sweep has ended, `sweep.json` and `sweep.csv`. What is
complete is not run again, so that a sweep that was interrupted, or to which values were added, goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import multiprocessing
import os
import signal
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from pathlib import Path

import cosim

from .._install import compiled_source_hash
from .checkpoint import Every
from .context import Progress
from .errors import ScenarioError
from .folder import CHECKPOINT, MANIFEST, SUMMARY, RunFolder, RunFolderError
from .interrupts import HeldInterrupts
from .loader import LoadedScenario, load_point
from .result import RunResult
from .runner import REPORT, run_scenario
from .sweep import Sweep, SweepPoint
from .sweep_result import SWEEP_CSV, SWEEP_JSON, PointFailure, PointResult, SweepResult

__all__ = ["SweepInterrupted", "run_sweep"]

_PATIENCE_S = 10.0  # for a process that was told twice to stop
_LOOK_S = 0.2  # how often the workers' master looks whether it is to stop


class SweepInterrupted(KeyboardInterrupt):
    """The sweep was stopped when `done` of `total` points were complete; run again, it goes on."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(done, total)
        self.done, self.total = done, total


def run_sweep(
    scenario: LoadedScenario,
    out: str | Path,
    *,
    jobs: int = 1,
    shuffle_seed: int | None = None,
    progress: Progress | None = None,
    argv: Sequence[str] = (),
    report: Callable[[RunResult], bytes | None] | None = None,
    page: Callable[[SweepResult], bytes | None] | None = None,
    force: bool = False,
    every: Every | None = None,
    begun: Callable[[SweepPoint], None] | None = None,
    stopping: Callable[[], None] | None = None,
) -> SweepResult:
    """Run the points of a scenario that has a sweep, each into the run folder `out`/NAME, with the page that `report`
    makes of it; then write `out`/sweep.json and sweep.csv, and the page that `page` makes of the whole.

    A point that is complete is not run again, one with a checkpoint goes on from it (they are written `every` so
    often), unless `force` starts all of them again. A point that fails does not keep the others from running; its
    `failure` says why, and the next `run_sweep` tries it again. The same scenario gives the same bytes whatever `jobs`
    is, and however often the sweep was interrupted.

    With `jobs` of 1 points run in this process, one after the other, and `progress` is called as by `run_scenario`.
    With more, that many processes are spawned: `report` must be a function at the top of a module, the scenario's kind
    must come from an entry point, and a script that calls this must do so under `if __name__ == "__main__":`.
    `begun` is called before each point that is run.

    Sweeps beyond one machine are the caller's: points are independent of each other, `sweep_points(scenario)` gives
    the scenario of each for `run_scenario` wherever that runs. Run into the folders that `scenario.sweep.points` names,
    they are found complete here.

    Raises ValueError if the scenario has no sweep or `jobs` is less than 1; before anything runs RunFolderError if
    `out` or the folder of a point holds something else, or points of another version of the program. SweepInterrupted
    after Ctrl-C or SIGTERM: the points at hand stop as `run_scenario` does (`stopping` is called when they are told
    to), and the finished ones stay.
    """
    if scenario.sweep is None:
        raise ValueError(f"{scenario.file}: no sweep; run_scenario runs it")
    if jobs < 1:
        raise ValueError(f"jobs: must be at least 1, got {jobs}")
    job = _Job(scenario.file, scenario.sweep.overrides, Path(out), shuffle_seed, tuple(argv), report, force, every)
    with _folder(Path(out)):
        waiting = _waiting(scenario.sweep, job)
        if waiting:
            (job.out / SWEEP_JSON).unlink(missing_ok=True)  # it is there when the sweep is complete
        if jobs == 1:
            failures = _one_by_one(scenario.sweep, job, waiting, progress, begun, stopping)
        else:
            failures = _side_by_side(scenario.sweep, job, waiting, jobs, begun, stopping)
        points = []
        for point in scenario.sweep.points:
            failure = failures.get(point.index)
            summary = None if failure is not None else json.loads((job.out / point.name / SUMMARY).read_bytes())
            points.append(PointResult(point.values, point.name, summary, failure))
        result = SweepResult(job.out, scenario.kind.kind, scenario.name, scenario.sweep.parameters, tuple(points))
        files = {SWEEP_CSV: result.to_csv()}
        whole = page(result) if page is not None else None
        if whole is not None:
            files[REPORT] = whole
        for name, content in {**files, SWEEP_JSON: result.to_json()}.items():
            partial = job.out / f".{name}.partial"
            partial.write_bytes(content)
            os.replace(partial, job.out / name)
    return result


@dataclass(frozen=True)
class _Job:
    """What every point is run with; it goes to other processes."""

    file: Path
    overrides: tuple[str, ...]
    out: Path
    shuffle_seed: int | None
    argv: tuple[str, ...]
    report: Callable[[RunResult], bytes | None] | None
    force: bool
    every: Every | None

    def run(
        self,
        load: Callable[[int], LoadedScenario],
        point: SweepPoint,
        progress: Progress | None = None,
        stopping: Callable[[], None] | None = None,
        lent: contextlib.AbstractContextManager[None] | None = None,
    ) -> PointFailure | None:
        """Run one point, in `lent`; why it failed, or None. Raises KeyboardInterrupt only."""
        try:
            scenario = load(point.index)
            if scenario.identity() != point.identity:
                return PointFailure(f"{self.file}: changed since the sweep was begun; run it again", 2)
            with lent or contextlib.nullcontext():
                run_scenario(
                    scenario,
                    self.out / point.name,
                    shuffle_seed=self.shuffle_seed,
                    progress=progress,
                    argv=self.argv,
                    report=self.report,
                    force=self.force,
                    resume=not self.force,
                    every=self.every,
                    stopping=stopping,
                )
        except Exception as error:
            return PointFailure.of(error)
        return None


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[None]:
    """The sweep's folder, made and locked; one that is empty in the end and was not there before goes again."""
    own = {SWEEP_JSON, SWEEP_CSV, REPORT}
    made = [one for one in (path, *path.absolute().parents) if not one.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        entries = list(path.iterdir())
        lock = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise RunFolderError(f"{error.filename or path}: {error.strerror}; choose another --out") from None
    try:
        if any(entry.name in (SUMMARY, MANIFEST, CHECKPOINT, ".partial") for entry in entries):
            raise RunFolderError(f"{path}: holds a single run, not a sweep; choose another --out")
        for entry in entries:
            if not (entry.is_dir() or entry.name in own or entry.name.endswith(".partial")):
                raise RunFolderError(f"{path}: not empty, and not a sweep ({entry.name}); choose another --out")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFolderError(f"{path}: another sweep is writing here; choose another --out") from None
        yield
    finally:
        os.close(lock)
        for directory in made:
            with contextlib.suppress(OSError):  # not empty
                directory.rmdir()


def _waiting(sweep: Sweep, job: _Job) -> list[SweepPoint]:
    """The points that are not complete. Raises RunFolderError if the folder of one cannot take it."""
    waiting = []
    for point in sweep.points:
        folder = RunFolder(job.out / point.name, point.identity, force=job.force, resume=True)
        folder.check()
        if job.force or not folder.complete:
            waiting.append(point)
            continue
        manifest = folder.manifest() or {}
        made_by = manifest.get("cosim_version"), manifest.get("kernel_sha256")
        if made_by != (cosim.__version__, compiled_source_hash()):
            raise RunFolderError(
                f"{folder.path}: made by another cosim ({made_by[0]}, C library {str(made_by[1])[:16]}); its points do "
                "not compare with new ones: choose another --out, or start again with --force"
            )
    return waiting


def _one_by_one(
    sweep: Sweep,
    job: _Job,
    waiting: Sequence[SweepPoint],
    progress: Progress | None,
    begun: Callable[[SweepPoint], None] | None,
    stopping: Callable[[], None] | None,
) -> dict[int, PointFailure]:
    failures: dict[int, PointFailure] = {}
    done = len(sweep.points) - len(waiting)
    with HeldInterrupts() as held:
        try:
            for point in waiting:
                held.check()
                if begun is not None:
                    begun(point)
                failure = job.run(sweep.load, point, progress, stopping, held.lent())
                if failure is None:
                    done += 1
                else:
                    failures[point.index] = failure
            held.check()
        except KeyboardInterrupt:
            held.drop()
            raise SweepInterrupted(done, len(sweep.points)) from None
    return failures


class _Worker:
    """A process that runs points, one after the other."""

    def __init__(self, job: _Job) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(job, theirs))
        self.point: SweepPoint | None = None
        resource_tracker.ensure_running()  # it lets signals through when it starts
        # Ctrl-C on a terminal reaches the whole group of processes; the points are told by this one.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()

    def give(self, point: SweepPoint) -> None:
        """Let it run a point."""
        self.point = point
        with contextlib.suppress(OSError):  # it has died: told by the end of the pipe
            self.pipe.send(point)

    def answer(self) -> PointFailure | bool:
        """Of the point that it was given: why it failed, True if it is complete, False if it was interrupted."""
        try:
            result: PointFailure | bool = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            return PointFailure(f"its process ended with exit code {self.process.exitcode}", 1)
        return result

    def end(self) -> None:
        """No more points."""
        self.pipe.close()
        self.process.join(_PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(job: _Job, pipe: connection.Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    warnings.simplefilter("ignore")  # the first process has said what there is to say of plug-ins and files
    load: Callable[[int], LoadedScenario] | None = None
    while True:
        try:
            point = pipe.recv()
        except EOFError:
            return
        answer: PointFailure | bool
        try:
            load = load or load_point(job.file, job.overrides)
            answer = job.run(load, point) or True
        except ScenarioError as error:
            answer = PointFailure.of(error)
        except KeyboardInterrupt:
            answer = False
        with contextlib.suppress(OSError):
            pipe.send(answer)


def _side_by_side(
    sweep: Sweep,
    job: _Job,
    waiting: Sequence[SweepPoint],
    jobs: int,
    begun: Callable[[SweepPoint], None] | None,
    stopping: Callable[[], None] | None,
) -> dict[int, PointFailure]:
    failures: dict[int, PointFailure] = {}
    queue = deque(waiting)
    done = len(sweep.points) - len(waiting)
    idle: list[_Worker] = []
    busy: list[_Worker] = []
    told = False
    with HeldInterrupts(stopping) as held:
        try:
            with held.let_through():
                held.defer()
                while busy or (queue and not held.pending):
                    while queue and len(busy) < jobs and not held.pending:
                        worker = idle.pop() if idle else _Worker(job)
                        busy.append(worker)
                        if begun is not None:
                            begun(queue[0])
                        worker.give(queue.popleft())
                    if held.pending and not told:
                        told = True
                        for worker in busy:
                            worker.process.terminate()
                    for pipe in connection.wait([worker.pipe for worker in busy], _LOOK_S):
                        worker = next(one for one in busy if one.pipe is pipe)
                        answer = worker.answer()
                        busy.remove(worker)
                        assert worker.point is not None
                        if answer is True:
                            done += 1
                        elif not held.pending:
                            failures[worker.point.index] = answer or PointFailure("its process was told to stop", 130)
                        if worker.process.is_alive():
                            idle.append(worker)
                        else:
                            worker.end()
        except KeyboardInterrupt:
            pass  # the second one
        finally:
            for worker in busy:
                worker.process.terminate()
            for worker in [*idle, *busy]:
                worker.end()
        if held.pending:
            held.drop()
            raise SweepInterrupted(done, len(sweep.points))
    return failures
