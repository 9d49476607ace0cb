"""What must hold of every simulated training iteration, checked in ways that share nothing with the simulation.

`violations` simulates a scenario's iterations several times over: as it is, with same-time events in another order,
with every part of the memory system linked by Python while the DRAM's commands are kept, and with all clocks half as
fast.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from ..core import SkipPolicy
from ..dram.checker import Checker
from ..tensors import Stage
from ..workload import Iteration, Operation, build_workload
from .sampling import choose
from .system import IterationResult, System
from .training import TrainingScenario

SHUFFLE_SEEDS = (1, 2)
_LARGEST = 4_000_000  # multiply-accumulates of an operation that are counted one by one


@dataclass(frozen=True)
class Violation:
    """One law that did not hold, and where."""

    law: str
    detail: str

    def __str__(self) -> str:
        return f"{self.law}: {self.detail}"


def violations(spec: TrainingScenario) -> Iterator[Violation]:
    """The laws that one of the scenario's chips breaks, each checked when it is asked for; none if they hold."""
    workload = build_workload(spec.workload, spec.pruning, seed=spec.seed)
    sample = choose(workload.total_iterations, spec.simulate, workload.prunes_in, seed=spec.seed)
    iterations = [each for each in workload.iterations(detailed=sample) if each.index in sample]
    for chip in (spec.chip, *spec.baselines):
        for violation in _of_chip(spec.model_copy(update={"chip": chip}), iterations):
            yield Violation(violation.law, f"{chip.name}: {violation.detail}")


def _of_chip(spec: TrainingScenario, iterations: list[Iteration]) -> Iterator[Violation]:
    system = System(spec.chip, spec.memory, spec.seed, hindsight=spec.hindsight)
    for iteration in iterations:
        result = system.simulate(iteration)
        yield from _accounts(system, result)
        yield from _counts(iteration, result)
        yield from _roofline(spec, result)
    for seed in SHUFFLE_SEEDS:
        shuffled = System(spec.chip, spec.memory, spec.seed, seed, spec.hindsight)
        yield from _same("order within one instant", f"shuffle seed {seed}", system, shuffled, iterations)
    watched = System(spec.chip, spec.memory, spec.seed, hindsight=spec.hindsight, fused=False, observed=True)
    yield from _same("fused and unfused links", "unfused", system, watched, iterations)
    if not spec.memory.ideal:
        yield from _commands(spec, watched)
    yield from _doubled(spec, system, iterations)


def _accounts(system: System, result: IterationResult) -> Iterator[Violation]:
    """Every unit is busy, stalled for a named reason, or idle; the critical path is as long as the iteration."""
    now = system.simulator.now_ps
    for unit, account in system.accounts().items():
        if sum(account.values()) != now:
            detail = f"unit {unit}: {sum(account.values())} ps accounted for of {now}"
            yield Violation("accounting", f"iteration {result.index}: {detail}")
        if min(account.values(), default=0) < 0:
            yield Violation("accounting", f"iteration {result.index}: unit {unit}: negative time in {account}")
    path = sum(result.job.time_by_reason_ps.values())
    if path != result.duration_ps:
        yield Violation("accounting", f"iteration {result.index}: critical path {path} of {result.duration_ps} ps")


def _counts(iteration: Iteration, result: IterationResult) -> Iterator[Violation]:
    """Multiply-accumulates are those that a count of the masks' pairs finds, all of them or none at the extremes."""
    for operation, record in zip(iteration.operations, result.operations, strict=True):
        where = f"iteration {iteration.index}, {operation.layer}.{operation.stage}"
        counts, policy = record.counts, record.policy
        if counts.dense_macs != operation.shape.macs:
            yield Violation("dense count", f"{where}: {counts.dense_macs} of {operation.shape.macs}")
        if counts.macs + counts.skipped_macs != counts.dense_macs:
            yield Violation("executed and skipped", f"{where}: {counts.macs} + {counts.skipped_macs}")
        masks = operands(operation)
        named = {name: masks[name] for name in policy.operands if masks[name] is not None}
        if policy.fine and any(not mask.any() for mask in named.values() if mask is not None) and counts.macs:
            yield Violation("density 0", f"{where}: {counts.macs} multiply-accumulates of zeros")
        if all(mask.all() for mask in named.values() if mask is not None) and counts.macs != counts.dense_macs:
            yield Violation("density 1", f"{where}: {counts.macs} of {counts.dense_macs}")
        # Which blocks are jumped only matters where zeros inside of them would be multiplied otherwise.
        if operation.shape.macs <= _LARGEST and (policy.fine or not policy.coarse):
            expected = effectual(operation, policy)
            if counts.macs != expected:
                yield Violation("multiply-accumulates", f"{where}: {counts.macs}, counted {expected}")


def operands(operation: Operation) -> dict[str, npt.NDArray[np.bool_] | None]:
    """The operation's masks in the sense of the skip policies; None: all ones."""
    first = operation.dy if operation.stage is Stage.BP else operation.x
    second = operation.dy if operation.stage is Stage.WG else operation.w
    masks = {"input": first, "weight": second, "output": operation.output_needed}
    return {name: None if mask is None else mask.to_bool() for name, mask in masks.items()}


def effectual(operation: Operation, policy: SkipPolicy) -> int:
    """Pairs of indices of X, W and Y that belong together and that the policy does not skip, tap by tap."""
    z = operation.shape
    c, k = z.c // z.groups, z.k // z.groups
    ones = np.ones((), dtype=bool)

    def mask(name: str) -> npt.NDArray[np.bool_] | None:
        found = operands(operation)[name]
        used = name in policy.operands and (policy.fine or name == "output")
        return found if used else None

    x = w = y = None
    if operation.stage is Stage.FF:
        x, w = mask("input"), mask("weight")
    elif operation.stage is Stage.BP:
        y, w, x = mask("input"), mask("weight"), mask("output")
    else:
        x, y, w = mask("input"), mask("weight"), mask("output")
    total = 0
    for r, s in itertools.product(range(z.r), range(z.s)):
        p = np.array([i for i in range(z.p) if 0 <= i * z.stride + r - z.pad < z.h], dtype=int)
        q = np.array([i for i in range(z.q) if 0 <= i * z.stride + s - z.pad < z.w], dtype=int)
        if not len(p) or not len(q):
            continue
        at_h, at_w = p * z.stride + r - z.pad, q * z.stride + s - z.pad
        for group in range(z.groups):
            ins, outs = slice(group * c, (group + 1) * c), slice(group * k, (group + 1) * k)
            # (n, p, q, k, c)
            of_x = ones if x is None else x[:, at_h][:, :, at_w][..., ins][:, :, :, None, :]
            of_y = ones if y is None else y[:, p][:, :, q][..., outs][..., None]
            of_w = ones if w is None else w[outs, r, s][None, None, None]
            shape = (z.n, len(p), len(q), k, c)
            total += int(np.count_nonzero(np.broadcast_to(of_x & of_y & of_w, shape)))
    return total


def _roofline(spec: TrainingScenario, result: IterationResult) -> Iterator[Violation]:
    """No faster than all multipliers at once, nor than the DRAM's data bus."""
    core, period = spec.chip.core, Fraction(spec.chip.clock)
    for record in result.operations:
        cycles = -(-record.counts.macs // (core.count * core.lanes * core.macs_per_lane))
        if result.duration_ps < cycles * period:
            yield Violation("roofline", f"iteration {result.index}: {record.layer}.{record.stage} alone takes longer")
    everything = sum(record.counts.macs for record in result.operations)
    cycles = -(-everything // (core.count * core.lanes * core.macs_per_lane))
    if result.duration_ps < cycles * period:
        yield Violation("roofline", f"iteration {result.index}: {everything} multiply-accumulates take longer")
    if spec.memory.ideal:
        return
    burst = spec.memory.device.geometry.burst_bytes
    clocks = spec.memory.device.timing["BL_CK"] * (sum(result.dram_bytes) // burst // spec.memory.channels - 1)
    if result.duration_ps < clocks * spec.memory.t_ck_ps:
        yield Violation("roofline", f"iteration {result.index}: {sum(result.dram_bytes)} bytes of DRAM take longer")


def _outcome(result: IterationResult) -> tuple[object, ...]:
    return (
        result.job.start_ps,
        result.job.end_ps,
        result.job.time_by_reason_ps,
        result.action_counts,
        result.dram_energy_fj,
        result.dram_bytes,
        result.requests,
        [(record.layer, record.stage, record.policy, record.counts) for record in result.operations],
    )


def _same(law: str, what: str, one: System, other: System, iterations: list[Iteration]) -> Iterator[Violation]:
    """Another system has the same iterations, to the picosecond and the count."""
    for iteration, expected in zip(iterations, one.results, strict=True):
        result = other.simulate(iteration)
        if _outcome(result) != _outcome(expected):
            times = f"{expected.job.end_ps} and {result.job.end_ps} ps"
            yield Violation(law, f"iteration {iteration.index} differs with {what}: it ends at {times}")
            return
    if one.accounts() != other.accounts():
        yield Violation(law, f"the units' accounts differ with {what}")


def _commands(spec: TrainingScenario, watched: System) -> Iterator[Violation]:
    """Every DRAM command keeps every rule of the standard, by the independent checker."""
    for channel, model in enumerate(watched.observed_memory):
        report = Checker(spec.memory.device).feed(model.commands).finish()
        if not report.ok:
            yield Violation(
                "DRAM rules", f"channel {channel}: {report.first[0] if report.first else report.violations}"
            )


def _doubled(spec: TrainingScenario, system: System, iterations: list[Iteration]) -> Iterator[Violation]:
    """With all clocks half as fast everything takes twice as long."""
    clock, links = Fraction(spec.chip.clock), Fraction(spec.chip.noc.clock)
    if clock.denominator != 1 or links.denominator != 1:  # edges are rounded then, and need not double
        return
    noc = spec.chip.noc.model_copy(update={"clock": 2 * spec.chip.noc.clock})
    chip = spec.chip.model_copy(update={"clock": 2 * spec.chip.clock, "noc": noc})
    memory = spec.memory.model_copy(update={"t_ck": 2 * spec.memory.t_ck_ps})
    slow = System(chip, memory, spec.seed, hindsight=spec.hindsight)
    for iteration, expected in zip(iterations, system.results, strict=True):
        result = slow.simulate(iteration)
        if result.job.end_ps != 2 * expected.job.end_ps:
            ends = f"{expected.job.end_ps} and {result.job.end_ps} ps"
            yield Violation("twice the period", f"iteration {iteration.index} ends at {ends}")
            return
