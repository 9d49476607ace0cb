"""Real training iterations on chips, held against counts and times that are worked out apart from the simulator."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from helpers.chips import PLAIN, RESIDUAL, SCENARIOS, iterations, run, system

from cosim.kernel import ClockDomain
from cosim.models.chip import MappedIteration, System
from cosim.models.chip.energy import table_fj
from cosim.models.core import SkipPolicy
from cosim.models.dma import TransferWork
from cosim.models.energy import energy_fj
from cosim.models.fabric import Direction, LocalWork
from cosim.models.tasks import Kind, Task
from cosim.models.tensors import Stage
from cosim.models.workload import Iteration, Operation, VectorWork

IDEAL_CHIP = ("noc.ideal=true", "ideal_sram=true")
IDEAL_MEMORY = ("ideal=true",)


@pytest.fixture(scope="module")
def plain() -> list[Iteration]:
    """Dense weights, an event in the second, and pruned weights in the third of these."""
    return iterations(PLAIN, [0, 3, 6])


@pytest.fixture(scope="module")
def residual() -> list[Iteration]:
    return iterations(RESIDUAL, [2])


Ran = tuple[System, Iteration, MappedIteration]


@pytest.fixture(scope="module", params=["pnpu", "lnpu", "dense"])
def ran(request: pytest.FixtureRequest, plain: list[Iteration]) -> tuple[System, list[MappedIteration]]:
    chip = system(request.param)
    return chip, [run(chip, iteration) for iteration in plain]


# ---- multiply-accumulates -------------------------------------------------------------------------------------------


def count_macs(operation: Operation, policy: SkipPolicy) -> tuple[int, int]:
    """Dense and executed multiply-accumulates: pairs of indices of X, W and Y that belong together, one by one."""
    shape = operation.shape
    taps = itertools.product(range(shape.r), range(shape.s), range(shape.p), range(shape.q))
    pairs = [
        (r, s, p, q, p * shape.stride + r - shape.pad, q * shape.stride + s - shape.pad)
        for r, s, p, q in taps
        if 0 <= p * shape.stride + r - shape.pad < shape.h and 0 <= q * shape.stride + s - shape.pad < shape.w
    ]
    r, s, p, q, h, w = np.array(pairs).T

    def lanes(mask: Any, *at: Any) -> Any:
        return np.ones(1, dtype=bool) if mask is None else mask.to_bool()[at]

    # (pair, n, c, k)
    x = lanes(operation.x, slice(None), h, w) if operation.x is not None else None
    x = None if x is None else x.transpose(1, 0, 2)[:, :, :, None]
    dy = None if operation.dy is None else lanes(operation.dy, slice(None), p, q).transpose(1, 0, 2)[:, :, None, :]
    weight = None if operation.w is None else operation.w.to_bool()[:, r, s].transpose(1, 2, 0)[:, None]
    needed = None
    if operation.output_needed is not None:
        mask = operation.output_needed.to_bool()
        if operation.stage is Stage.BP:
            needed = mask[:, h, w].transpose(1, 0, 2)[:, :, :, None]
        else:
            needed = mask[:, r, s].transpose(1, 2, 0)[:, None]
    first = dy if operation.stage is Stage.BP else x
    second = dy if operation.stage is Stage.WG else weight
    done = np.ones((len(pairs), shape.n, shape.c, shape.k), dtype=bool)
    total = done.size
    if "output" in policy.operands and needed is not None:
        done &= needed
    if policy.fine:
        for name, operand in (("input", first), ("weight", second)):
            if name in policy.operands:
                done &= operand
    return total, int(np.count_nonzero(done))


def test_every_multiply_accumulate_is_one_that_numpy_counts(
    ran: tuple[System, list[MappedIteration]], plain: list[Iteration]
) -> None:
    policies = set()
    for iteration, mapped in zip(plain, ran[1], strict=True):
        assert len(mapped.operations) == len(iteration.operations)
        for operation, record in zip(iteration.operations, mapped.operations, strict=True):
            assert (operation.layer, operation.stage) == (record.layer, record.stage)
            dense, executed = count_macs(operation, record.policy)
            assert record.counts.dense_macs == dense == operation.shape.macs
            assert record.counts.macs == executed
            assert record.counts.skipped_macs == dense - executed
            policies.add(record.policy)
        counted = sum(
            dict(task.work.counts).get("core.mac", 0) for task in mapped.graph if isinstance(task.work, LocalWork)
        )
        assert counted == sum(record.counts.macs for record in mapped.operations)
    name = ran[0].chip_spec.name
    assert len(policies) == {"PNPU": len(policies), "LNPU": 1, "dense": 1}[name]


def test_the_sparse_chips_really_skip(plain: list[Iteration]) -> None:
    done = {}
    for name in ("pnpu", "lnpu", "dense"):
        chip = system(name)
        done[name] = sum(record.counts.macs for record in chip.mapper.map(plain[2]).operations)
    assert done["pnpu"] < done["lnpu"] < done["dense"]


# ---- time -----------------------------------------------------------------------------------------------------------


def longest_path(mapped: MappedIteration, period_ps: int) -> int:
    """Elapsed time where only the units' cycles take time: each task begins when the tasks it depends on and the one
    before it in its unit have ended."""
    end: dict[int, int] = {}
    unit_free: Counter[str] = Counter()
    for task in mapped.graph:
        begin = max([unit_free[task.unit], *(end[dep.index] for dep in task.deps)])
        cycles = task.work.cycles if isinstance(task.work, LocalWork) else 0
        end[task.index] = unit_free[task.unit] = begin + cycles * period_ps
    return max(end.values())


@pytest.mark.parametrize("name", ["pnpu", "lnpu", "dense"])
def test_with_ideal_memories_and_network_time_is_the_longest_path(name: str, plain: list[Iteration]) -> None:
    chip = system(name, IDEAL_CHIP, IDEAL_MEMORY)
    for iteration in plain:
        mapped = run(chip, iteration)
        assert chip.results[-1].duration_ps == longest_path(mapped, 20_000)
        reasons = chip.results[-1].job.time_by_reason_ps
        assert set(reasons) <= {"core", "reduce", "vector", "prune", "control"}


def test_real_memories_and_network_take_longer(ran: tuple[System, list[MappedIteration]]) -> None:
    for result, mapped in zip(ran[0].results, ran[1], strict=True):
        assert result.duration_ps > longest_path(mapped, 20_000)


# ---- accounts -------------------------------------------------------------------------------------------------------


def test_times_sum_exactly(ran: tuple[System, list[MappedIteration]]) -> None:
    chip, _ = ran
    accounts = chip.accounts()
    assert set(accounts) == set(chip.chip.units)
    for totals in accounts.values():
        assert sum(totals.values()) == chip.simulator.now_ps
        assert all(spent >= 0 for spent in totals.values())
    for result in chip.results:
        assert sum(result.job.time_by_reason_ps.values()) == result.duration_ps
    assert sum(result.duration_ps for result in chip.results) == chip.simulator.now_ps


def test_busy_time_is_the_tasks_own(ran: tuple[System, list[MappedIteration]]) -> None:
    chip, mapped = ran
    clock = ClockDomain("clock", chip.chip_spec.clock)
    cycles: Counter[str] = Counter()
    for one in mapped:
        for task in one.graph:
            if isinstance(task.work, LocalWork):
                cycles[task.unit] += task.work.cycles
    accounts = chip.accounts()
    for unit, count in cycles.items():
        assert accounts[unit].get("busy", 0) == clock.cycles(count)


def test_traffic_is_what_the_descriptors_say(ran: tuple[System, list[MappedIteration]]) -> None:
    chip, mapped = ran
    burst = chip.memory_spec.device.geometry.burst_bytes
    word = chip.chip_spec.storage.word // 8
    flit, columns = chip.chip_spec.noc.flit // 8, chip.chip_spec.noc.mesh[0]
    ports = chip.chip_spec.noc.memory_nodes
    layout = chip.chip.layout
    node_of = {channel.unit: channel.node for channel in layout.channels}
    reads, writes = np.zeros(layout.memories, dtype=int), np.zeros(layout.memories, dtype=int)
    dram = {Direction.READ: 0, Direction.WRITE: 0}
    hops = requests = 0

    def routers(a: int, b: int) -> int:
        return 1 + abs(a % columns - b % columns) + abs(a // columns - b // columns)

    for task in (task for one in mapped for task in one.graph):
        if isinstance(task.work, LocalWork):
            for access in task.work.accesses:
                (writes if access.is_write else reads)[access.memory] += access.words
            continue
        for descriptor in task.work.descriptors:
            assert descriptor.endpoint == layout.endpoint(task.unit)
            node = node_of[task.unit]
            for row in range(descriptor.rows):
                address, left = descriptor.address + row * descriptor.stride_bytes, descriptor.row_bytes
                while left:
                    size = min(left, burst - address % burst)
                    words, flits = -(-size // word), 1 + -(-size // flit)
                    requests += 1
                    port = ports[address // 256 % len(ports)]
                    if descriptor.direction is Direction.MOVE:
                        reads[descriptor.memory] += words
                        writes[descriptor.far_memory] += words
                        hops += flits * routers(node, descriptor.far_node)
                    else:
                        is_read = descriptor.direction is Direction.READ
                        (writes if is_read else reads)[descriptor.memory] += words
                        dram[descriptor.direction] += size
                        hops += (flits + 1) * routers(node, port)
                    address, left = address + size, left - size
    place, _ = chip.memory.place_of(chip.chip)
    traffic = chip.memory.fabric.traffic(place)
    assert traffic.requests == requests
    assert (traffic.dram_read_bytes, traffic.dram_write_bytes) == (dram[Direction.READ], dram[Direction.WRITE])
    assert traffic.noc_flit_hops == hops
    counted = chip.memory.fabric.words(place)
    np.testing.assert_array_equal(counted[0], reads)
    np.testing.assert_array_equal(counted[1], writes)


def test_addresses_stay_inside_the_tensors(ran: tuple[System, list[MappedIteration]]) -> None:
    chip, mapped = ran
    places = sorted(chip.map._places.values())
    for task in (task for one in mapped for task in one.graph if not isinstance(task.work, LocalWork)):
        for descriptor in task.work.descriptors:
            if descriptor.direction is not Direction.MOVE:
                begin = descriptor.address
                end = begin + (descriptor.rows - 1) * descriptor.stride_bytes + descriptor.row_bytes
                assert any(base <= begin and end <= base + size for base, size in places)


def transferred(chip: System, one: MappedIteration) -> dict[str, int]:
    """What the graph's descriptors must cost, request by request: words at both ends, and flits times routers."""
    layout, spec, settings = chip.chip.layout, chip.chip_spec, chip.memory.fabric.config
    endpoints = layout.endpoints(0, 0, 1)
    columns, nodes = spec.noc.mesh[0], spec.noc.memory_nodes
    found: Counter[str] = Counter()

    def access(memory: int, what: str, words: int) -> None:
        found[f"sram.{layout.memory_kind(memory)}.{what}"] += words

    for task in one.graph:
        for what in task.work.descriptors if isinstance(task.work, TransferWork) else ():
            here = endpoints[what.endpoint].node
            for row in range(what.rows):
                begin = what.address + row * what.stride_bytes
                end = begin + what.row_bytes
                while begin < end:
                    size = min(end, begin // settings.burst_bytes * settings.burst_bytes + settings.burst_bytes) - begin
                    words, flits = -(-size // (spec.storage.word // 8)), -(-size // (spec.noc.flit // 8))
                    moves = what.direction is Direction.MOVE
                    port = nodes[begin // settings.port_interleave_bytes % len(nodes)]
                    there = what.far_node if moves else port
                    routers = 1 + abs(here % columns - there % columns) + abs(here // columns - there // columns)
                    found["dma.request"] += 1
                    # A header each way, data one way; a move is not answered.
                    found["noc.flit_hop"] += routers * (1 + flits + (0 if moves else 1))
                    access(what.memory, "write" if what.direction is Direction.READ else "read", words)
                    if moves:
                        access(what.far_memory, "write", words)
                    begin += size
    return {action: count for action, count in found.items() if count}


def test_energy_is_counts_times_table(ran: tuple[System, list[MappedIteration]]) -> None:
    chip, mapped = ran
    table = table_fj(chip.chip_spec)
    for result, one in zip(chip.results, mapped, strict=True):
        energy = energy_fj(table, result.action_counts)
        assert sum(energy.values()) == sum(count * table[action] for action, count in result.action_counts.items())
        total: Counter[str] = Counter()
        for task in one.graph:
            if isinstance(task.work, LocalWork):
                total.update(dict(task.work.counts))
        for action, count in total.items():
            assert result.action_counts[action] == count
        clocked = {"core": 0, "aggregator": 0, "vector": 0, "pruning": 0, "top": result.duration_ps}
        for task in one.graph:
            for kind in clocked:
                if task.unit == kind or (kind == "core" and task.unit.removeprefix("core").isdigit()):
                    clocked[kind] += task.end_ps - task.start_ps
        by_task = result.counts_by_task
        assert {kind for kind in by_task if kind not in ("transfers", "elapsed")} == {
            str(task.kind) for task in one.graph if isinstance(task.work, LocalWork)
        }
        for action, count in result.action_counts.items():
            assert sum(counts.get(action, 0) for counts in by_task.values()) == count
        assert set(by_task["elapsed"]) == {a for a in result.action_counts if a.startswith(("clock.", "leakage."))}
        assert by_task["compute"]["core.mac"] == result.action_counts["core.mac"]
        assert by_task["transfers"] == transferred(chip, one)
        assert by_task["transfers"]["dma.request"] == result.requests
        for kind, spent in clocked.items():
            assert result.action_counts[f"clock.{kind}"] == -(-spent // 20_000)
            units = 16 if kind == "core" else 1
            assert result.action_counts[f"leakage.{kind}"] == -(-units * result.duration_ps // 1000)


# ---- buffers --------------------------------------------------------------------------------------------------------


def by_core(mapped: MappedIteration, core: int, kind: Kind) -> list[Task]:
    unit = {Kind.LOAD: f"core{core}.load", Kind.COMPUTE: f"core{core}"}[kind]
    return [task for task in mapped.graph.program(unit) if task.kind is kind]


def test_a_half_is_not_filled_while_it_is_in_use(ran: tuple[System, list[MappedIteration]]) -> None:
    chip, mapped = ran
    checked = 0
    for one, core in itertools.product(mapped, range(chip.chip_spec.core.count)):
        loads, computes = by_core(one, core, Kind.LOAD), by_core(one, core, Kind.COMPUTE)
        weight_memory = 3 * core + 1
        assert len(loads) == len(computes)
        last_use: list[int] = []  # end of the last use of each set of weights
        for step, (load, compute) in enumerate(zip(loads, computes, strict=True)):
            assert load in compute.deps and compute.start_ps >= load.end_ps
            if step >= 2:
                checked += 1
                assert computes[step - 2] in load.deps
                assert load.start_ps >= computes[step - 2].end_ps
            if any(descriptor.memory == weight_memory for descriptor in load.work.descriptors):
                if len(last_use) >= 2:
                    assert load.start_ps >= last_use[-2]
                last_use.append(0)
            last_use[-1] = max(last_use[-1], compute.end_ps)
        for descriptor in (descriptor for load in loads for descriptor in load.work.descriptors):
            half = chip.chip_spec.core.input_memory.size // 2
            begin = descriptor.word * 16
            assert begin // half == (begin + descriptor.bytes - 1) // half, "it reaches into the other half"
    assert checked


def test_output_halves(ran: tuple[System, list[MappedIteration]]) -> None:
    chip, mapped = ran
    for one, core in itertools.product(mapped, range(chip.chip_spec.core.count)):
        drains = one.graph.program(f"core{core}.store")
        tile = -1
        drained = {dep.index: number for number, task in enumerate(drains) for dep in task.deps}
        for compute in by_core(one, core, Kind.COMPUTE):
            first = not any(access.words and access.memory == 3 * core + 2 for access in compute.work.accesses[2:3])
            tile = max(tile, 0)
            if tile >= 2:
                assert compute.start_ps >= drains[tile - 2].end_ps
            assert first or tile < len(drains)
            if compute.index in drained:
                assert drained[compute.index] == tile
                tile += 1
        assert max(tile, 0) == len(drains)


def peak(intervals: list[tuple[int, int, int]]) -> int:
    """Most that is held at once, of (begin, end, amount); what ends when another begins makes room for it."""
    level = most = 0
    for _, _, change in sorted(
        [(begin, 1, amount) for begin, _, amount in intervals] + [(end, 0, -amount) for _, end, amount in intervals]
    ):
        level += change
        most = max(most, level)
    return most


@pytest.mark.parametrize("size", ["16 KiB", "32 KiB", "64 KiB"])
def test_the_vector_units_memory_holds_what_is_in_it(size: str, plain: list[Iteration]) -> None:
    overrides = [f"vector.memory.size={size}"]
    if size == "16 KiB":
        overrides += ["core.output_memory.size=8 KiB"]
    chip = system("pnpu", overrides)
    mapped = run(chip, plain[2])
    memory = chip.chip.layout.vector_memory
    held = []
    for task in mapped.graph.program("vector"):
        sources = [
            dep
            for dep in task.deps
            if not isinstance(dep.work, LocalWork)
            and any(memory in (d.memory, d.far_memory) for d in dep.work.descriptors)
        ]
        stores = [after for after in task.successors if after.kind is Kind.STORE and after.unit == "vector.store"]
        ends = [store.end_ps for store in stores] or [task.end_ps]
        amount = sum(d.bytes for source in sources for d in source.work.descriptors)
        out = sum(d.bytes for store in stores for d in store.work.descriptors)
        begin = min([source.start_ps for source in sources], default=task.start_ps)
        held.append((begin, max(ends), max(amount, out)))
    assert 0 < peak(held) <= chip.chip_spec.vector.memory.size


def test_the_aggregators_memory_holds_what_is_in_it(plain: list[Iteration]) -> None:
    chip = system("pnpu", ["aggregator.memory.size=32 KiB"])
    mapped = run(chip, plain[2])
    held = []
    sums: list[Task] = []
    for task in mapped.graph.program("aggregator"):
        (move,) = (dep for dep in task.deps if dep.kind is Kind.MOVE and dep.unit != "aggregator.store")
        held.append((move.start_ps, task.end_ps, move.work.bytes))
        sums.append(task)
        gone = [after for after in task.successors if after.unit == "aggregator.store"]
        if gone:
            held.append((sums[0].start_ps, gone[0].end_ps, gone[0].work.bytes))
            sums = []
    assert held and not sums
    assert 0 < peak(held) <= 32 * 1024


# ---- completeness ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["plain", "residual"])
def test_nothing_is_free(network: str, request: pytest.FixtureRequest) -> None:
    iteration = request.getfixturevalue(network)[-1]
    chip = system()
    mapped = run(chip, iteration)
    vector = sum(task.work.counts[0][1] for task in mapped.graph.program("vector"))
    assert vector == sum(step.operations for step in iteration.steps if isinstance(step, VectorWork))
    assert len(mapped.pruning) == len(iteration.prune_events)
    stored = {name for name, _ in moved(chip, mapped, Direction.WRITE)}
    loaded = {name for name, _ in moved(chip, mapped, Direction.READ)}
    state = {
        tensor.tensor
        for step in iteration.steps
        if isinstance(step, VectorWork) and step.kind == "update"
        for tensor in step.writes
    }
    assert state and state <= stored
    assert {name for name in state if name.endswith((".master", ".momentum"))} <= loaded
    written = {
        name
        for step in iteration.steps
        for name in (
            [step.writes]
            if isinstance(step, Operation)
            else [t.tensor for t in step.writes]
            if isinstance(step, VectorWork)
            else []
        )
    }
    outside = {name for name in loaded & written if name not in state}
    assert outside and outside <= stored
    for operation in iteration.operations:
        assert set(operation.reads[:2]) <= loaded


@pytest.mark.parametrize("network", ["plain", "residual"])
def test_state_is_moved_whole(network: str, request: pytest.FixtureRequest) -> None:
    iteration = request.getfixturevalue(network)[-1]
    chip = system()
    mapped = run(chip, iteration)
    written = Counter[str]()
    for name, size in moved(chip, mapped, Direction.WRITE):
        written[name] += size
    for step in iteration.steps:
        if isinstance(step, VectorWork) and step.kind == "update":
            for tensor in step.writes:
                if not tensor.tensor.endswith(".low"):
                    assert written[tensor.tensor] == tensor.bytes


def moved(chip: System, mapped: MappedIteration, direction: Direction) -> list[tuple[str, int]]:
    """Tensors and bytes of all descriptors of a direction, by their addresses."""
    result = []
    for task in mapped.graph:
        if isinstance(task.work, LocalWork):
            continue
        for descriptor in task.work.descriptors:
            if descriptor.direction is direction:
                for name, (base, size) in chip.map._places.items():
                    if base <= descriptor.address < base + size:
                        result.append((name, descriptor.bytes))
    return result


@pytest.mark.parametrize("network", ["plain", "residual"])
def test_tensors_are_read_after_they_are_written_and_rewritten_after_they_are_read(
    network: str, request: pytest.FixtureRequest
) -> None:
    """By the order of the workload's steps: a load of low-precision weights comes before their update's store, and
    loads of what the iteration makes come after its last store."""
    iteration = request.getfixturevalue(network)[-1]
    chip = system()
    mapped = run(chip, iteration)
    loads: dict[str, list[Task]] = {}
    stores: dict[str, list[Task]] = {}
    for task in mapped.graph:
        if isinstance(task.work, LocalWork):
            continue
        for descriptor in task.work.descriptors:
            table = {Direction.READ: loads, Direction.WRITE: stores}.get(descriptor.direction)
            if table is None:
                continue
            for name, (base, size) in chip.map._places.items():
                if base <= descriptor.address < base + size:
                    table.setdefault(name, []).append(task)
    both = sorted(loads.keys() & stores.keys())
    assert any(name.endswith(".w.low") for name in both) and any(name.endswith(".mask") for name in both)
    for name in both:
        if name.endswith(".w.low"):
            last = {task.unit: task for task in loads[name]}.values()
            assert all(set(last) <= set(task.deps) for task in stores[name])
            assert max(task.end_ps for task in loads[name]) <= min(task.start_ps for task in stores[name])
        elif not name.endswith((".master", ".momentum", ".w.mask")):  # tile by tile, each after its own load
            assert min(task.start_ps for task in loads[name]) >= max(task.end_ps for task in stores[name])


# ---- reproducibility ------------------------------------------------------------------------------------------------


def test_the_order_of_simultaneous_events_changes_nothing(plain: list[Iteration]) -> None:
    def all_of(chip: System) -> Any:
        result = chip.simulate(plain[1])
        return (result.duration_ps, result.job.time_by_reason_ps, result.action_counts, chip.accounts())

    expected = all_of(system())
    for seed in range(10):
        assert all_of(system(shuffle_seed=seed)) == expected


def test_another_training_gives_other_numbers(plain: list[Iteration]) -> None:
    chip, other = system(), system()
    assert chip.simulate(plain[0]).action_counts != other.simulate(iterations(PLAIN, [0], seed=2)[0]).action_counts


HASHED = """
import json
from helpers.chips import PLAIN, iterations, system

chip = system()
result = chip.simulate(iterations(PLAIN, [2])[0])
print(json.dumps([result.duration_ps, result.job.time_by_reason_ps, result.action_counts, chip.accounts()]))
"""


def test_hashes_change_nothing() -> None:
    def output(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(SCENARIOS.parent / "tests")}
        command = [sys.executable, "-c", HASHED]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert output("1") == output("2")


def test_a_chip_is_as_fast_as_its_routers(plain: list[Iteration]) -> None:
    """A clock less in each router of each packet, and the whole is faster; a clock more, and it is slower. What crosses
    the network is the same."""
    clocks, flits = {}, {}
    for router in ("{}", "{speculative: true}", "{vc_alloc_delay: 3}", "{sw_allocator: separable_input_first}"):
        chip = system("pnpu", (f"noc.router={router}",))
        run(chip, plain[2])
        job = chip.results[0].job
        clocks[router] = job.end_ps - job.start_ps
        flits[router] = chip.memory.fabric.traffic(0)
    assert clocks["{speculative: true}"] < clocks["{}"] < clocks["{vc_alloc_delay: 3}"]
    assert len(set(clocks.values())) == 4
    assert len(set(flits.values())) == 1
