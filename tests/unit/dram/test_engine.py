"""The channel in simulated time: when completions come, and that nothing depends on how often it is looked at."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.dram.strategies import addresses, channels

from cosim import ClockDomain, Simulator
from cosim.models.dram import Controller, DramEngine, preset

pytestmark = pytest.mark.c_library


def run(preset_, mapping, scheduler, clock, requests, ticks):
    """(tag, time) of every completion; `ticks` are instants at which something unrelated happens."""
    simulator = Simulator()
    done = []
    engine = DramEngine("dram", Controller(preset_, mapping, scheduler), clock, lambda *each: done.append(each))
    simulator.attach(engine)

    def source():
        for tag, (gap, address, is_write) in enumerate(requests):
            yield simulator.timeout(gap)
            engine.submit(simulator.now, tag, address, is_write)

    def ticker():
        for gap in ticks:
            yield simulator.timeout(gap)

    simulator.process(source())
    simulator.process(ticker())
    simulator.run()
    assert engine.waiting == 0
    return done


@settings(max_examples=30)
@given(st.data())
def test_other_events_change_nothing(data):
    device, mapping, scheduler = data.draw(channels(ideal=True))
    clock = ClockDomain("clock", data.draw(st.sampled_from([device.t_ck_ps, Fraction(2500, 3), 1])))
    gaps = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 30_000))
    traffic = st.lists(st.tuples(gaps, addresses(device, mapping), st.booleans()), max_size=60)
    requests = data.draw(traffic)
    alone = run(device, mapping, scheduler, clock, requests, [])
    assert sorted(tag for tag, _ in alone) == list(range(len(requests)))
    assert [time for _, time in alone] == sorted(time for _, time in alone)
    disturbed = run(device, mapping, scheduler, clock, requests, data.draw(st.lists(st.integers(0, 5000), max_size=80)))
    assert disturbed == alone


@pytest.mark.parametrize(("at", "arrival"), [(0, 0), (832, 0), (833, 1), (1665, 1), (1666, 2)])
def test_a_read_of_a_closed_bank_takes_39_clocks_from_the_edge_at_or_before(at, arrival):
    device = preset("ddr4_2400")
    clock = ClockDomain("clock", device.t_ck_ps)
    assert run(device, "m1", "fr-fcfs", clock, [(at, 0, False)], []) == [(0, (arrival + 39) * 833)]


def test_edges_of_a_rational_clock_do_not_drift():
    device = preset("ddr4_2400")
    clock = ClockDomain("clock", Fraction(2500, 3))
    assert run(device, "m1", "fr-fcfs", clock, [(0, 0, False)], []) == [(0, 39 * 2500 // 3)]


def test_a_full_controller_holds_up_and_loses_nothing():
    device = preset("ddr4_2400")
    clock = ClockDomain("clock", device.t_ck_ps)
    requests = [(0, i * 8192 * 16, False) for i in range(100)]  # one bank, another row each
    done = run(device, "m1", "fr-fcfs", clock, requests, [])
    assert [tag for tag, _ in done] == list(range(100))
    assert done[0][1] == 39 * 833
    # One row cycle each; the bank's refresh is not due yet.
    assert [b[1] - a[1] for a, b in pairwise(done)] == [56 * 833] * 99


def test_without_latency_any_number_is_done_at_once():
    device = preset("ddr4_2400")
    clock = ClockDomain("clock", device.t_ck_ps)
    done = run(device, "m1", "ideal", clock, [(1000, 0, False)] + [(0, i * 64, True) for i in range(500)], [])
    assert done == [(tag, 1000) for tag in range(501)]


def test_an_address_outside_the_channel_is_refused():
    device = preset("lpddr4_3200")
    engine = DramEngine("dram", Controller(device), ClockDomain("clock", 625), print)
    with pytest.raises(ValueError, match=r"^dram: address 0x40000000: expected 0 <= address < 0x40000000$"):
        engine.submit(0, 0, 1 << 30, False)
