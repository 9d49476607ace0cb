"""Units: program order, clock edges, and accounts without a gap."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.kernel import ClockDomain, Module, Simulator
from cosim.models.tasks import CycleUnit, Kind, TaskGraph, Unit, longest_path_ps


@dataclass(frozen=True)
class Cycles:
    cycles: int


PERIOD_PS = 1000


def run(tasks, *, periods=(), at=0, shuffle_seed=None):
    """Tasks (unit, cycles, indices of dependencies); the graph, the units and the simulator after the run."""
    sim = Simulator(shuffle_seed=shuffle_seed)
    names = sorted({unit for unit, _, _ in tasks})
    units = {}
    for index, name in enumerate(names):
        period = periods[index] if periods else PERIOD_PS
        units[name] = CycleUnit(sim, name, ClockDomain(name, period), f"by {name}")
    graph = TaskGraph()
    for unit, cycles, deps in tasks:
        graph.add(Kind.COMPUTE, unit, unit, Cycles(cycles), [graph.tasks[dep] for dep in deps])
    graph.link()
    if at:
        sim.run(until=at)
    for name, unit in units.items():
        unit.assign(graph.program(name))
    sim.run()
    return graph, units, sim


def times(graph):
    return [(task.start_ps, task.end_ps) for task in graph]


def test_tasks_follow_each_other_without_a_gap_and_waits_have_a_reason():
    graph, units, _ = run([("a", 5, ()), ("b", 2, ()), ("b", 3, (0,)), ("a", 1, (2,))])
    assert times(graph) == [(0, 5000), (0, 2000), (5000, 8000), (8000, 9000)]
    assert units["b"].account.totals_ps() == {"busy": 5000, "idle": 0, "by a": 3000}
    assert units["a"].account.totals_ps() == {"busy": 6000, "idle": 0, "by b": 3000}
    assert [task.cause and task.cause.index for task in graph] == [None, None, 0, 2]


def test_a_unit_starts_at_its_own_edges():
    graph, units, _ = run([("a", 1, ()), ("b", 1, (0,))], periods=(1000, 300))
    assert times(graph) == [(0, 1000), (1200, 1500)]
    assert units["b"].account.totals_ps() == {"busy": 300, "idle": 0, "by a": 1000, "sync": 200}


@pytest.mark.parametrize(("at", "start"), [(1999, 2000), (2000, 2000), (2001, 3000)])
def test_work_that_comes_on_an_edge_starts_there(at, start):
    graph, _, _ = run([("a", 2, ())], at=at)
    assert times(graph) == [(start, start + 2000)]


def test_a_later_graph_finds_the_unit_idle_meanwhile():
    _, units, sim = run([("a", 2, ())])
    sim.run(until=10_000)
    again = TaskGraph()
    again.add(Kind.COMPUTE, "a", "again", Cycles(3))
    again.link()
    units["a"].assign(again.program("a"))
    sim.run()
    assert times(again) == [(10_000, 13_000)]
    assert units["a"].account.totals_ps() == {"busy": 5000, "idle": 8000}


def test_a_task_must_say_where_its_time_went():
    class Vague(Unit):
        def execute(self, task):
            yield self.simulator.timeout(5)
            task.spent_ps = {"dram": 4}

    sim = Simulator()
    unit = Vague(sim, "vague")
    graph = TaskGraph()
    graph.add(Kind.LOAD, "vague", "x", None)
    graph.link()
    unit.assign(graph.tasks)
    with pytest.raises(RuntimeError, match=r"Task\(0, load, vague, 'x'\): \{'dram': 4\} does not sum to 5 ps"):
        sim.run()
    assert isinstance(unit, Module)


@st.composite
def graphs(draw):
    tasks = []
    for index in range(draw(st.integers(1, 25))):
        deps = draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set()
        tasks.append((draw(st.sampled_from("abcd")), draw(st.integers(0, 9)), tuple(sorted(deps))))
    return tasks


@given(graphs(), st.integers(0, 1 << 32))
def test_a_run_is_as_long_as_the_longest_path_and_fully_accounted_for(tasks, seed):
    graph, units, sim = run(tasks)
    assert all(task.end_ps >= 0 for task in graph)
    assert max(task.end_ps for task in graph) == longest_path_ps(graph, lambda task: task.work.cycles * PERIOD_PS)
    for name, unit in units.items():
        totals = unit.account.totals_ps()
        program = graph.program(name)
        assert sum(totals.values()) == unit.account.until_ps == program[-1].end_ps
        assert totals["busy"] == sum(task.work.cycles * PERIOD_PS for task in program)
        assert totals["idle"] == 0  # everything was handed over at the beginning
        assert set(totals) <= {"busy", "idle", *(f"by {other}" for other in units)}
    shuffled, shuffled_units, _ = run(tasks, shuffle_seed=seed)
    assert times(shuffled) == times(graph)
    for name, unit in units.items():
        assert shuffled_units[name].account.totals_ps() == unit.account.totals_ps()
    assert sim.blocked() == []


@given(graphs(), st.lists(st.integers(1, 5000), min_size=4, max_size=4))
def test_with_clocks_of_their_own_the_longest_path_is_a_lower_bound(tasks, periods):
    graph, units, _ = run(tasks, periods=periods)
    durations = {task: task.end_ps - task.start_ps for task in graph}
    assert max(task.end_ps for task in graph) >= longest_path_ps(graph, durations.__getitem__)
    for unit in units.values():
        assert sum(unit.account.totals_ps().values()) == unit.account.until_ps
