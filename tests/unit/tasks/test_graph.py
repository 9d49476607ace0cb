"""Task graphs: order, programs, dependencies."""

import gc
import weakref

import pytest

from cosim.models.tasks import Kind, TaskGraph


def test_a_task_follows_its_dependencies_and_its_unit_program():
    graph = TaskGraph()
    load = graph.add(Kind.LOAD, "dma", "w", None)
    compute = graph.add(Kind.COMPUTE, "core", "c", None, (load, None, load))
    store = graph.add(Kind.STORE, "dma", "y", None, (compute,))
    assert [task.index for task in graph] == [0, 1, 2]
    assert len(graph) == 3
    assert compute.deps == (load,)  # None is left out, a repetition counts once
    assert graph.units == ["dma", "core"]
    assert graph.program("dma") == [load, store]
    assert graph.program("nobody") == []
    assert repr(compute) == "Task(1, compute, core, 'c')"


def test_link_counts_what_is_unmet():
    graph = TaskGraph()
    first = graph.add(Kind.LOAD, "a", "first", None)
    second = graph.add(Kind.LOAD, "b", "second", None)
    join = graph.add(Kind.COMPUTE, "a", "join", None, (second, first))
    graph.link()
    assert [task.unmet for task in graph] == [0, 0, 2]
    assert first.successors == second.successors == [join]
    assert join.successors == []


def test_an_unlinked_graph_is_freed_without_the_collector():
    graph = TaskGraph()
    first = graph.add(Kind.LOAD, "a", "first", None)
    second = graph.add(Kind.COMPUTE, "b", "second", None, (first,))
    graph.link()
    second.cause = first
    kept = weakref.ref(graph)
    gc.disable()
    try:
        graph.unlink()
        assert (second.deps, first.successors, second.cause) == ((), [], None)
        del graph, first
        assert kept() is None
        assert second.label == "second"
    finally:
        gc.enable()


def test_a_dependency_is_of_the_same_graph():
    graph, other = TaskGraph(), TaskGraph()
    stranger = other.add(Kind.LOAD, "a", "stranger", None)
    with pytest.raises(
        ValueError, match=r"^mine: depends on Task\(0, load, a, 'stranger'\), which is not in this graph$"
    ):
        graph.add(Kind.LOAD, "a", "mine", None, (stranger,))
    graph.add(Kind.LOAD, "a", "same index", None)
    with pytest.raises(ValueError, match="not in this graph"):
        graph.add(Kind.LOAD, "a", "mine", None, (stranger,))
