"""Where waits are charged to, by hand; the longest path of a graph, by hand."""

from cosim.models.tasks import Kind, TaskGraph, longest_path_ps, time_by_reason


def chain(*tasks):
    """Tasks (start, end, spent), each enabled by the one before."""
    graph = TaskGraph()
    cause = None
    for start, end, spent in tasks:
        task = graph.add(Kind.LOAD, "u", "t", None)
        task.start_ps, task.end_ps, task.spent_ps, task.cause = start, end, spent, cause
        cause = task
    return cause


def test_a_wait_is_charged_to_the_tasks_back_to_its_beginning():
    last = chain((0, 40, {"dram": 30, "noc": 10}), (40, 100, {"core": 60}))
    assert time_by_reason(last, 60, 100) == {"core": 40}
    assert time_by_reason(last, 40, 100) == {"core": 60}
    assert time_by_reason(last, 0, 100) == {"core": 60, "dram": 30, "noc": 10}


def test_a_part_of_a_task_is_shared_in_proportion_and_sums():
    last = chain((0, 40, {"dram": 30, "noc": 10}))
    assert time_by_reason(last, 20, 40) == {"dram": 15, "noc": 5}
    # A third of 7: 30/40 of it rounded down, the rest to what comes last.
    assert time_by_reason(last, 33, 40) == {"dram": 5, "noc": 2}
    assert time_by_reason(last, 39, 40) == {"noc": 1}


def test_time_to_the_next_edge_is_sync_and_time_before_everything_is_idle():
    last = chain((10, 40, {"core": 30}))
    assert time_by_reason(last, 0, 45) == {"sync": 5, "core": 30, "idle": 10}
    assert time_by_reason(last, 42, 45) == {"sync": 3}
    assert time_by_reason(None, 3, 5) == {"idle": 2}
    assert time_by_reason(last, 45, 45) == {}


def test_a_gap_in_the_chain_is_sync():
    last = chain((0, 10, {"dram": 10}), (13, 20, {"core": 7}))
    assert time_by_reason(last, 0, 20) == {"core": 7, "sync": 3, "dram": 10}


def test_the_longest_path_takes_dependencies_and_program_order():
    graph = TaskGraph()
    durations = {}

    def add(unit, duration, *deps):
        task = graph.add(Kind.COMPUTE, unit, unit, None, deps)
        durations[task] = duration
        return task

    a = add("a", 5)
    add("a", 7)  # behind it in a's program: ends at 12
    b = add("b", 3, a)  # 5 + 3
    assert longest_path_ps(graph, durations.__getitem__) == 12
    add("b", 3, b)  # 11
    assert longest_path_ps(graph, durations.__getitem__) == 12
    add("b", 2)  # 13: no dependency, but behind the others in b's program
    assert longest_path_ps(graph, durations.__getitem__) == 13
    assert longest_path_ps(TaskGraph(), durations.__getitem__) == 0
