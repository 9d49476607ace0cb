"""Requests of which only the end of the last one matters."""

import pytest
from helpers.fabrics import small_fabric

from cosim.kernel import Simulator
from cosim.models.fabric import Completion, Descriptor, Direction, Fabric, UnfusedFabric
from cosim.models.fabric.batch import Batch


def at(end_ps, dram_ps=0):
    return Completion(0, end_ps, dram_ps, end_ps - dram_ps, 0, 0)


def test_the_last_completion_explains_the_time():
    batch = Batch(3, print)
    assert [batch.ended(at(5)), batch.ended(at(9)), batch.ended(at(9, dram_ps=4))] == [False, False, True]
    assert batch.last == at(9, dram_ps=4)


def test_of_one_instant_the_order_makes_no_difference():
    batch = Batch(2, print)
    assert [batch.ended(at(9, dram_ps=4)), batch.ended(at(9))] == [False, True]
    assert batch.last == at(9, dram_ps=4)


@pytest.mark.parametrize(("end_ps", "tells"), [(99, False), (100, True), (101, True)])
def test_who_posted_it_may_be_interested_later_only(end_ps, tells):
    batch = Batch(1, print, quiet_until_ps=100)
    assert batch.ended(at(end_ps)) is tells
    assert batch.left == 0


DESCRIPTORS = (
    Descriptor(1, Direction.READ, 0, row_bytes=900, address=4096),
    Descriptor(1, Direction.WRITE, 1, row_bytes=64),
    Descriptor(1, Direction.MOVE, 0, 100, far_node=0, far_memory=1, far_client=2, word=3, far_word=5),
    Descriptor(1, Direction.READ, 0, 70, 64, 3, 256),
)


@pytest.mark.parametrize("kind", [Fabric, UnfusedFabric])
@pytest.mark.parametrize("ideal", [(), ("noc", "dram", "sram")])
def test_together_as_one_by_one(kind, ideal):
    sim = Simulator()
    fabric, _keep = small_fabric(sim, ideal=ideal, fabric=kind)
    single = []
    for descriptor in DESCRIPTORS:
        fabric.submit(descriptor, single.append)
    sim.run()
    sim = Simulator()
    fabric, _keep = small_fabric(sim, ideal=ideal, fabric=kind)
    together = []
    fabric.submit_all(DESCRIPTORS, lambda done: together.append((sim.now, done)), endpoint=1)
    sim.run()
    last = max(single, key=lambda done: done.end_ps)
    assert together == [(last.end_ps, last)]


@pytest.mark.parametrize("kind", [Fabric, UnfusedFabric])
def test_the_simulator_does_not_stop_for_what_nobody_waits_for(kind):
    """Accesses that are served while the cycles last end at the same time with and without somebody who looks."""

    def finish(quiet_until_ps):
        sim = Simulator()
        fabric, _keep = small_fabric(sim, fabric=kind)
        told = []
        batch = Batch(2, lambda done: told.append((sim.now, done.end_ps)), quiet_until_ps)
        fabric.local_of(batch, 0, 0, 0, 40, False)
        fabric.local_of(batch, 0, 1, 0, 7, True)
        sim.timeout(10_000_000)
        sim.run()
        if kind is Fabric:
            assert fabric.buffers()  # nothing is under way
        return batch, told

    batch, told = finish(0)
    end = batch.last.end_ps
    assert told == [(end, end)]
    assert end > 100_000
    assert finish(end)[1] == [(end, end)]
    batch, told = finish(end + 1)
    assert (batch.left, batch.last.end_ps, told) == (0, end, [])
