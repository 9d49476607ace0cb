"""Transfers worked out from descriptors: by hand, and against what the fabric counts, for requests of every size."""

import pytest
from helpers.chips import PLAIN, chip_spec, iterations, run, system

from cosim.models.chip import transfers
from cosim.models.chip.layout import Layout
from cosim.models.chip.spec import REQUEST_BYTES
from cosim.models.chip.transfers import transfer_counts
from cosim.models.dma import TransferWork
from cosim.models.fabric import Descriptor, Direction
from cosim.models.tasks import Kind, TaskGraph


def cost(descriptor, *changes):
    spec = chip_spec("pnpu", *changes)
    graph = TaskGraph()
    graph.add(Kind.LOAD, Layout(spec).channels[descriptor.endpoint].unit, "t", TransferWork((descriptor,)))
    return transfer_counts(graph, Layout(spec), spec)


def test_a_read_is_cut_at_requests_and_goes_to_the_port_of_its_address():
    # 100 bytes from 48: 16, 64 and 20 bytes, in 1, 4 and 2 words of 16 bytes and 1, 2 and 1 flits of 32. Core 0 at node
    # 0, port 0 at node 4: 5 routers; a header each way.
    assert cost(Descriptor(0, Direction.READ, 0, 100, address=48)) == {
        "dma.request": 3,
        "noc.flit_hop": 5 * ((1 + 1 + 1) + (1 + 2 + 1) + (1 + 1 + 1)),
        "sram.input.write": 7,
    }
    # In requests of 256 bytes it is one: 7 words, 4 flits.
    assert cost(Descriptor(0, Direction.READ, 0, 100, address=48), "dma.request=256 B") == {
        "dma.request": 1,
        "noc.flit_hop": 5 * (1 + 4 + 1),
        "sram.input.write": 7,
    }


def test_rows_lie_a_stride_apart_and_a_move_is_not_answered():
    rows = Descriptor(0, Direction.WRITE, 1, 16, address=0, rows=2, stride_bytes=256)
    # The second row is at port 1, node 9: column 4, row 1 of 5 columns, 6 routers.
    assert cost(rows) == {"dma.request": 2, "noc.flit_hop": 3 * (5 + 6), "sram.weight.read": 2}
    move = Descriptor(0, Direction.MOVE, 2, 16, far_node=1, far_memory=48)
    assert cost(move) == {
        "dma.request": 1,
        "noc.flit_hop": 2 * 2,
        "sram.output.read": 1,
        "sram.aggregator.write": 1,
    }


def test_no_transfer_counts_nothing_and_many_are_counted_in_pieces(monkeypatch):
    spec, graph = chip_spec("pnpu"), TaskGraph()
    layout = Layout(spec)
    assert transfer_counts(graph, layout, spec) == {}
    for core in range(16):
        read = Descriptor(3 * core, Direction.READ, 3 * core, 70, 100 * core, 1 + core, 4096)
        graph.add(Kind.LOAD, layout.channels[read.endpoint].unit, "t", TransferWork((read,)))
    whole = transfer_counts(graph, layout, spec)
    assert whole["sram.input.write"] >= 136 * 5  # rows of 70 bytes, 5 words or one more
    monkeypatch.setattr(transfers, "_AT_ONCE", 3)
    assert transfer_counts(graph, layout, spec) == whole


@pytest.mark.parametrize("size", REQUEST_BYTES)
def test_local_work_transfers_and_time_sum_to_what_was_counted(size):
    chip = system("pnpu", (f"dma.request={size} B",))
    for iteration in iterations(PLAIN, [0, 3]):
        run(chip, iteration)
    for result in chip.results:
        for action, count in result.action_counts.items():
            assert sum(row.get(action, 0) for row in result.counts_by_task.values()) == count, action
        assert {action for row in result.counts_by_task.values() for action in row} <= set(result.action_counts)


def test_a_count_that_no_task_accounts_for_shows(monkeypatch):
    """The sum over tasks is no remainder of the total: a transfer that the fabric did not count makes it unequal."""
    chip = system("pnpu")
    counted = chip.chip.action_counts
    monkeypatch.setattr(
        chip.chip, "action_counts", lambda: {**counted(), "noc.flit_hop": counted()["noc.flit_hop"] + 1}
    )
    run(chip, iterations(PLAIN, [0])[0])
    (result,) = chip.results
    total = sum(row.get("noc.flit_hop", 0) for row in result.counts_by_task.values())
    assert total == result.action_counts["noc.flit_hop"] - 1
