"""From a loaded scenario to a run: calls the kind's run function and keeps what it produces."""

from __future__ import annotations

import contextlib
import datetime
import io
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cosim

from .._install import compiled_source_hash
from .canonical import canonical, canonical_json
from .checkpoint import CHECKPOINT, Checkpoint, Every, Keeper
from .context import STATISTICS, TIMELINE, Progress, RunContext
from .folder import MANIFEST, SUMMARY, RunFolder
from .interrupts import HeldInterrupts
from .loader import SCHEMA_VERSION, LoadedComponent, LoadedScenario
from .result import RunResult

__all__ = ["resolved_yaml", "run_scenario"]

REPORT = "report.html"
RESOLVED = "scenario.resolved.yaml"


def run_scenario(
    scenario: LoadedScenario,
    out: str | Path | None = None,
    *,
    shuffle_seed: int | None = None,
    progress: Progress | None = None,
    argv: Sequence[str] = (),
    report: Callable[[RunResult], bytes | None] | None = None,
    force: bool = False,
    resume: bool = False,
    every: Every | None = None,
    stopping: Callable[[], None] | None = None,
) -> RunResult:
    """Run a scenario; with `out`, into that run folder, with the HTML page that `report` makes of the result
    (None: no page). `force` replaces a run of something else. `resume` goes on from the folder's checkpoint, if there
    is one, and gives back a run that is complete; checkpoints are written `every` so often (None: every 10 minutes).

    Raises RunFolderError before the run if `out` cannot take it, CheckpointError if its checkpoint cannot be gone on
    from, and whatever the run raises; then the folder is as it was, but for newer checkpoints. Ctrl-C and SIGTERM break
    the run off until its files are moved to their place, and are too late from then on: RunInterrupted where it can go
    on from a checkpoint just made (`stopping` is called when the run is told to stop and must get there), any other
    KeyboardInterrupt at a second Ctrl-C, and in kinds without checkpoints. Raises TypeError or ValueError if the run's
    summary is not plain data, and ValueError for a scenario with a sweep, which `run_sweep` runs.
    """
    if scenario.sweep is not None:
        raise ValueError(f"{scenario.file}: a sweep of {len(scenario.sweep.points)} points; run_sweep runs it")
    if out is None:
        return _run(scenario, _context(scenario, None, shuffle_seed, progress), argv)
    with HeldInterrupts(stopping) as held:
        with RunFolder(Path(out), scenario.identity(), force=force, resume=resume) as folder:
            with held.let_through(), contextlib.ExitStack() as stack:
                saved = None
                if resume and (folder.path / CHECKPOINT).exists():
                    saved = Checkpoint.open(folder.path / CHECKPOINT, scenario)
                    stack.callback(saved.close)
                elif resume and folder.complete:
                    result = RunResult.load(folder.path)
                    if report is not None:
                        report(result)
                    return result
                keeper = Keeper(folder.path / CHECKPOINT, folder.partial, scenario, every or Every(), held, saved)
                context = _context(scenario, folder.partial, shuffle_seed, _watching(held, progress), saved, keeper)
                result = _run(scenario, context, argv)
                files: dict[str, bytes] = {RESOLVED: resolved_yaml(scenario), SUMMARY: canonical_json(result.summary)}
                if result.statistics is not None:
                    files[STATISTICS] = canonical_json(result.statistics)
                if result.timeline is not None:
                    files[TIMELINE] = context.timeline_json
                page = report(result) if report is not None else None
                if page is not None:
                    files[REPORT] = page
                manifest = {**result.manifest, "files": sorted([*result.manifest["files"], *files])}
                folder.write(MANIFEST, canonical_json(manifest))
                for name, content in files.items():
                    folder.write(name, content)
            folder.commit()
        held.drop()
    return result


def _watching(held: HeldInterrupts, progress: Progress | None) -> Progress:
    def report(phase: str, done: int, total: int) -> None:
        held.check()
        if progress is not None:
            progress(phase, done, total)

    return report


def _context(
    scenario: LoadedScenario,
    folder: Path | None,
    shuffle_seed: int | None,
    progress: Progress | None,
    saved: Checkpoint | None = None,
    keeper: Keeper | None = None,
) -> RunContext:
    return RunContext(
        seed=scenario.spec.seed,
        shuffle_seed=shuffle_seed,
        scenario_file=scenario.file,
        folder=folder,
        progress=progress,
        saved=saved,
        keeper=keeper,
    )


def _run(scenario: LoadedScenario, context: RunContext, argv: Sequence[str]) -> RunResult:
    started = _now()
    body = scenario.kind.run(scenario.spec, context)
    head = {
        "schema_version": SCHEMA_VERSION,
        "kind": scenario.kind.kind,
        "name": scenario.name,
        "seed": scenario.spec.seed,
    }
    if clash := sorted(head.keys() & body.keys()):
        raise ValueError(f"the summary of scenario kind '{scenario.kind.kind}' must not set {', '.join(clash)}")
    manifest = {
        **head,
        "identity": scenario.identity(),
        "cosim_version": cosim.__version__,
        "kernel_sha256": compiled_source_hash(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "argv": list(argv),
        "inputs": scenario.inputs,
        "shuffle_seed": context.shuffle_seed,
        "resumed_after": list(context.saved.resumed) if context.saved is not None else [],
        "started": started,
        "stopped": _now(),
        "files": list(context.files),
    }
    return RunResult(
        scenario.kind.kind,
        scenario.name,
        scenario.spec.seed,
        canonical({**head, **body}),  # in memory as it will be read back
        context.statistics,
        context.timeline,
        manifest,
    )


def resolved_yaml(scenario: LoadedScenario | LoadedComponent) -> bytes:
    """What was loaded in one file, with every default written out; it reads back to the same."""
    from ruamel.yaml import YAML  # noqa: PLC0415

    data = scenario.resolved()
    if isinstance(scenario, LoadedScenario):
        data = {**data, "kind": scenario.kind.kind, "name": scenario.name}
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # ruamel declares None
    yaml.width = 120
    stream = io.BytesIO()
    yaml.dump(data, stream)
    return f"# Made of {scenario.file.name}: references and defaults filled in.\n".encode() + stream.getvalue()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def command_line() -> list[str]:
    """This process's command line, with the program's name instead of its path."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]
