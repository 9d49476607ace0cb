"""Laws of the whole system, over random small trainings: random layers, densities, chips and clocks.

Most laws name the change that they were seen to catch.
"""

from __future__ import annotations

from itertools import pairwise

from helpers.chips import chip_spec, memory_spec
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.models.chip import Chip, System
from cosim.models.tasks import Kind, longest_path_ps
from cosim.models.workload import StatisticalSpec, build_workload

CHIPS = ("pnpu", "lnpu", "dense")
SPECS = {name: chip_spec(name) for name in CHIPS}
MEMORY = memory_spec()


@st.composite
def layers(draw, densities=(0.0, 0.3, 1.0)):
    """One or two convolutions, the first without BP; images and channels that do not divide evenly."""
    size = draw(st.integers(3, 6))
    channels = [draw(st.sampled_from((1, 5, 8, 12))) for _ in range(draw(st.integers(2, 3)))]
    share = st.sampled_from(densities)
    return [
        {
            "name": f"conv{index}",
            "first": index == 0,
            **{"c": c, "h": size, "w": size, "k": k, "r": 3, "s": 3, "pad": 1},
            "density": {"x": draw(share), "w": draw(share), "dy": draw(share)},
        }
        for index, (c, k) in enumerate(pairwise(channels))
    ]


def iteration_of(described, batch=2, seed=1):
    spec = StatisticalSpec.model_validate({"fidelity": "statistical", "layers": described, "batch": batch})
    return next(iter(build_workload(spec, seed=seed).iterations()))


def simulate(described, chip="pnpu", clocks=1, **options):
    """The system after one iteration, its graph and its result; `clocks` stretches every clock period."""
    memory = MEMORY.model_copy(update={"t_ck": MEMORY.t_ck_ps * clocks})
    spec = SPECS[chip]
    noc = spec.noc.model_copy(update={"clock": spec.noc.clock * clocks})
    spec = spec.model_copy(update={"clock": spec.clock * clocks, "noc": noc})
    system = System(spec, memory, 1, **options)
    mapped = system.mapper.map(iteration_of(described))
    result = system._result(mapped, system.run_graph(mapped.graph))
    return system, mapped, result


def times(graph):
    return [(task.start_ps, task.end_ps, task.spent_ps) for task in graph]


@settings(max_examples=8)
@given(layers(), st.sampled_from(CHIPS))
def test_every_unit_is_busy_or_stalled_for_one_reason_or_idle_all_the_time(described, name):
    # Caught: a core whose task ends a cycle early.
    system, mapped, result = simulate(described, name)
    elapsed = system.simulator.now_ps
    accounts = system.accounts()
    assert {sum(account.values()) for account in accounts.values()} == {elapsed}
    assert sum(result.job.time_by_reason_ps.values()) == elapsed
    for unit, account in accounts.items():
        tasks = mapped.graph.program(unit)
        working = sum(task.end_ps - task.start_ps for task in tasks)
        assert account.get("busy", 0) <= working <= elapsed
        assert all(sum(task.spent_ps.values()) == task.end_ps - task.start_ps for task in tasks)
    for core in range(system.chip_spec.core.count):
        program = mapped.graph.program(f"core{core}")
        cycles = sum(task.work.cycles for task in program if task.kind is Kind.COMPUTE)
        assert accounts[f"core{core}"].get("busy", 0) == cycles * system.chip.clock.cycles(1)


@settings(max_examples=8)
@given(layers(), st.sampled_from(CHIPS))
def test_nothing_is_faster_than_what_it_needs(described, name):
    # Caught: a core whose task ends a cycle early; a core that does not wait for its loads.
    system, mapped, result = simulate(described, name)
    spec, memory = system.chip_spec, system.memory_spec
    for task in mapped.graph:
        if task.kind is Kind.COMPUTE:
            assert task.end_ps - task.start_ps >= system.chip.clock.cycles(task.work.cycles)
        assert all(dep.end_ps <= task.start_ps for dep in task.deps)
    assert result.duration_ps >= longest_path_ps(mapped.graph, lambda task: task.end_ps - task.start_ps)
    busiest: dict[int, int] = {}
    for operation in mapped.operations:
        slots = spec.core.lanes * spec.core.macs_per_lane
        assert operation.counts.macs <= sum(operation.core_cycles.values()) * slots
        for core, cycles in operation.core_cycles.items():
            busiest[core] = busiest.get(core, 0) + cycles
    assert result.duration_ps >= system.chip.clock.cycles(max(busiest.values()))
    moved = sum(result.dram_bytes)
    assert moved >= mapped.compulsory_bytes
    geometry = memory.device.geometry
    burst_ps = memory.device.timing["BL_CK"] * memory.t_ck_ps
    assert result.duration_ps >= moved // geometry.burst_bytes * burst_ps // memory.channels
    ports = len(spec.noc.memory_nodes) * spec.noc.flit // 8
    assert result.duration_ps >= result.dram_bytes[0] // ports * spec.noc.clock


@settings(max_examples=8)
@given(layers(), st.lists(st.integers(1, 400_000), max_size=6))
def test_where_a_run_is_split_and_who_looks_on_changes_nothing(described, steps):
    # Caught: requests that arrive a picosecond later while somebody looks on.
    whole, mapped, result = simulate(described)
    split = System(whole.chip_spec, whole.memory_spec, 1)
    again = split.mapper.map(iteration_of(described))
    seen: list[int] = []
    split.simulator.observe_time(seen.append)
    done = split.chip.run_job(again.graph)
    for step in steps:
        if not done.triggered:
            split.simulator.run(until=split.simulator.now_ps + step)
    job = split.simulator.run(until=done) if not done.processed else done.value
    assert times(again.graph) == times(mapped.graph)
    assert (job.end_ps, job.time_by_reason_ps) == (result.job.end_ps, result.job.time_by_reason_ps)
    assert seen == sorted(seen)


def outcome(result):
    job = result.job
    times = (job.start_ps, job.end_ps, job.time_by_reason_ps)
    return (*times, result.action_counts, result.dram_energy_fj, result.dram_bytes, result.requests)


@settings(max_examples=8)
@given(
    layers(),
    st.sampled_from(CHIPS),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 900_000), st.booleans()), min_size=1, max_size=8),
)
def test_a_training_in_pieces_with_observers_that_come_and_go_is_the_same_training(described, name, observed, pieces):
    """Two iterations, to the picosecond, the count and the femtojoule, in each of them the same pieces.

    Red for: a DRAM whose commands are kept and that gets its requests a clock late.
    """
    whole = System(SPECS[name], MEMORY, 1)
    split = System(SPECS[name], MEMORY, 1, fused=not observed, observed=observed)
    spec = StatisticalSpec.model_validate({"fidelity": "statistical", "layers": described, "batch": 1, "iterations": 2})
    seen: list[int] = []
    for iteration in build_workload(spec, seed=1).iterations():
        expected = whole.simulate(iteration)
        mapped = split.mapper.map(iteration)
        done, watched = split.chip.run_job(mapped.graph), False
        for step, watch in pieces:
            if watch != watched:
                (split.simulator.observe_time if watch else split.simulator.unobserve_time)(seen.append)
                watched = watch
            if not done.triggered and step:
                split.simulator.run(until=split.simulator.now_ps + step)
        job = split.simulator.run(until=done) if not done.processed else done.value
        if watched:
            split.simulator.unobserve_time(seen.append)
        assert outcome(split._result(mapped, job)) == outcome(expected)
    assert split.accounts() == whole.accounts()
    assert seen == sorted(seen)


@settings(max_examples=8)
@given(layers(), st.integers(2, 3))
def test_clocks_twice_as_slow_take_twice_the_time(described, factor):
    # Caught: a network whose clock does not follow its period.
    _, mapped, result = simulate(described)
    _, slower, stretched = simulate(described, clocks=factor)
    assert [(factor * start, factor * end) for start, end, _ in times(mapped.graph)] == [
        (start, end) for start, end, _ in times(slower.graph)
    ]
    assert {reason: factor * ps for reason, ps in result.job.time_by_reason_ps.items()} == (
        stretched.job.time_by_reason_ps
    )


@settings(max_examples=8)
@given(layers(), st.sampled_from(("a", "z")))
def test_an_idle_chip_at_the_same_memory_changes_nothing(described, port):
    # Caught: a chip that counts its channels without those of the chips before it.
    system, mapped, result = simulate(described)
    shared = System(system.chip_spec, system.memory_spec, 1)
    idle = Chip(shared.simulator, "idle", system.chip_spec)
    idle.memory_socket.bind(shared.memory.port(port))
    beside = shared.mapper.map(iteration_of(described))
    job = shared.run_graph(beside.graph)
    assert times(beside.graph) == times(mapped.graph)
    assert (job.end_ps, shared._result(beside, job).action_counts) == (result.job.end_ps, result.action_counts)


@settings(max_examples=8)
@given(layers(densities=(0.0,)))
def test_without_a_nonzero_there_is_nothing_to_multiply(described):
    _, mapped, _ = simulate(described)
    assert sum(operation.counts.macs for operation in mapped.operations) == 0
    assert all(operation.counts.skipped_macs == operation.counts.dense_macs for operation in mapped.operations)


@settings(max_examples=8)
@given(layers(densities=(1.0,)))
def test_without_a_zero_skipping_is_as_fast_as_not_skipping(described):
    skipping = [simulate(described, name)[1] for name in CHIPS]
    for operations in zip(*(mapped.operations for mapped in skipping), strict=True):
        assert len({operation.counts.macs for operation in operations}) == 1
        assert operations[0].counts.macs == operations[0].counts.dense_macs
        assert len({tuple(sorted(operation.core_cycles.items())) for operation in operations}) == 1
