"""The twin alone: what each option of the router means, by hand and as laws of a crowded network.

The C network is compared with the twin elsewhere; this says that the twin does what its words promise.
"""

from itertools import pairwise
from random import Random

import pytest
from twins import noc as twin
from twins.noc_router import Crossing, Flit, Options, Router, islip, separable_input_first

FLIT = Flit(0, 0, head=True, tail=False)


def crowd(seed=1, flits=(1, 4, 6), nodes=9, clocks=30):
    random = Random(seed)
    return [
        (clk, random.randrange(nodes), random.randrange(nodes), random.choice(flits))
        for clk in range(clocks)
        for _ in range(4)
    ]


def departures(packets, columns, rows, depth, **options):
    """For each clock the (node, Crossing) of the flits that win a switch."""
    clocks = []

    def look(_, routers):
        clocks.append([(node, won) for node, router in enumerate(routers) for won in router.granted])

    twin.run(packets, columns, rows, 2, depth, on_clock=look, **options)
    return clocks


def test_islip_lets_outputs_offer_and_inputs_choose():
    requests = {(0, 0): True, (0, 1): True, (1, 0): True}
    accept, grant = [0, 0], [0, 0]
    assert islip(requests, accept, grant) == [(0, 0)]  # both outputs offer to input 0
    assert (accept, grant) == ([1, 0], [1, 0])
    assert islip(requests, accept, grant) == [(0, 1), (1, 0)]
    assert (accept, grant) == ([0, 1], [0, 1])


def test_separable_lets_inputs_choose_and_outputs_pick():
    requests = {(0, 0): True, (0, 1): True, (1, 0): True}
    accept, grant = [0, 0], [0, 0]
    assert separable_input_first(requests, accept, grant) == [(0, 0)]  # both inputs ask for output 0
    assert (accept, grant) == ([1, 0], [1, 0])  # those of the refused input stay
    assert separable_input_first(requests, accept, grant) == [(0, 1), (1, 0)]
    assert (accept, grant) == ([0, 1], [0, 1])


def test_separable_prefers_what_is_sure_on_both_sides_and_islip_on_none():
    requests = {(0, 0): False, (0, 1): True, (1, 1): False}
    assert separable_input_first(requests, [0, 0], [0, 1]) == [(0, 1)]
    assert islip(requests, [0, 0], [0, 1]) == [(0, 0), (1, 1)]


def test_the_crossbar_takes_the_next_load_when_the_last_one_left():
    router = Router(1, 8, Options(st_final_delay=2))
    sent = []
    for clk in range(8):
        sent.append([crossing.flit.packet for crossing in router.cross(clk)])
        if clk < 4:  # a flit of packet `clk` wins the switch; all leave by the same output
            router.granted.append(Crossing(FLIT._replace(packet=clk), 0, 0, 0, 0))
    # Taken at 1, 3 (both 1 and 2) and 5; out a clock later, one flit of an output after the other.
    assert sent == [[], [], [0], [], [1], [2], [3], []]


def test_rounds_of_vc_allocation_do_not_overlap():
    router = Router(2, 8, Options(vc_alloc_delay=3))
    active = []
    for clk in range(8):
        if clk in (1, 2):
            lane = router.inputs[0][clk - 1]
            lane.state, lane.output = "waiting", 4
        router.begin_round(clk)
        router.end_round(clk)
        active.append([lane.state == "active" for lane in router.inputs[0]])
    # The first asks from 1 on and has its VC at the end of 3; the second came too late for that round.
    assert [clk for clk, (first, _) in enumerate(active) if first] == [3, 4, 5, 6, 7]
    assert [clk for clk, (_, second) in enumerate(active) if second] == [6, 7]


@pytest.mark.parametrize(("speedup", "most"), [(1, 1), (2, 2)])
def test_an_input_sends_one_flit_a_line_and_clock(speedup, most):
    fullest = 0
    for left in departures(crowd(), 3, 3, 4, input_speedup=speedup):
        inputs = [(node, won.port) for node, won in left]
        lines = [(node, won.port, won.vc % speedup) for node, won in left]
        outputs = [(node, won.output) for node, won in left]
        assert len(set(lines)) == len(lines)
        assert len(set(outputs)) == len(outputs)
        fullest = max([fullest, *(inputs.count(place) for place in inputs)])
    assert fullest == most


@pytest.mark.parametrize(("hold", "changes"), [(False, 23), (True, 5)])
def test_a_held_output_goes_on_with_its_packet(hold, changes):
    """Two nodes send three packets each to the one between them; with room for all, a packet that holds the switch is
    not interrupted."""
    packets = [(0, src, 1, 4) for src in (0, 2) for _ in range(3)]
    order = [
        won.flit.packet
        for left in departures(packets, 3, 1, 255, hold_switch_for_packet=hold)
        for node, won in left
        if node == 1
    ]
    assert sum(before != after for before, after in pairwise(order)) == changes


@pytest.mark.parametrize(("wait", "most"), [(False, 3), (True, 1)])
def test_a_vc_waits_for_the_tails_credit(wait, most):
    """So a buffer holds flits of one packet only, and its first flit finds it empty."""
    seen = []

    def look(_, routers):
        lanes = [lane for router in routers for lanes in router.inputs for lane in lanes]
        seen.extend(len({flit.packet for flit in lane.buffer}) for lane in lanes)

    twin.run(crowd(), 3, 3, 2, 4, wait_for_tail_credit=wait, on_clock=look)
    assert max(seen) == most
