"""The C engine does what the clock-by-clock twin does, however its time is cut into pieces."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins.dram import DramTwin
from unit.dram.strategies import channels, traffic

from cosim.clib import KernelError
from cosim.models.dram import PRESETS, SCHEDULERS, BankRoundRobin, Controller, FrFcfs, FrFcfsRamulator1
from cosim.models.dram.controller import NEVER
from cosim.models.dram.rules import COMMANDS

pytestmark = pytest.mark.c_library


def rows(commands):
    """Command records in the twin's form."""
    return [(clk, COMMANDS[command], *rest) for clk, command, *rest in commands.tolist()]


def schedule_on_twin(twin, requests, tail):
    """Offer in order, each from its clock on until it is accepted; returns accepted clocks, done records, commands."""
    clk, accepted, done = 0, [], []
    for tag, (gap, address, is_write) in enumerate(requests):
        clk += gap
        while True:
            done += twin.advance(clk)[0]
            if twin.submit(clk, tag, address, is_write):
                break
            clk += 1
        accepted.append(clk)
        clk += not twin.scheduler.ideal
    done += twin.advance(clk + tail)[0]
    return accepted, done, twin.commands


@given(st.data())
def test_same_commands_completions_and_counts(data):
    preset, mapping, scheduler = data.draw(channels(ideal=True))
    requests = data.draw(traffic(preset, mapping))
    tail = data.draw(st.integers(0, 3000))
    twin = DramTwin(preset, mapping, scheduler)
    accepted, done, commands = schedule_on_twin(twin, requests, tail)

    controller = Controller(preset, mapping, scheduler)
    got_done, got_commands = [], []

    def advance(clk, **options):
        result = controller.advance(clk, observe=True, **options)
        got_done.extend(result.done)
        got_commands.extend(rows(result.commands))
        return result.done

    lag = data.draw(st.sampled_from(["none", "one", "event"]), label="lag")
    cuts = data.draw(st.randoms(use_true_random=False), label="cuts")
    for tag, ((_, address, is_write), clk) in enumerate(zip(requests, accepted, strict=True)):
        # How far the engine has come when the request is submitted: to the clock itself, to the one before, or just
        # past everything that happens before it.
        until = clk - 1 if lag == "one" and clk > 0 else clk
        while lag == "event" and controller.next() < clk:
            advance(controller.next())
        while lag != "event" and advance(until, stop=cuts.random() < 0.5):
            pass
        assert controller.submit(clk, tag, address, is_write)
    for _ in range(cuts.randrange(4)):
        if twin.now > accepted[-1]:
            advance(cuts.randint(accepted[-1], twin.now))
    while advance(twin.now, stop=True):
        pass
    assert got_commands == commands
    assert got_done == done
    assert controller.stats(twin.now)._asdict() == twin.stats()


@given(st.data())
def test_nothing_happens_before_next(data):
    preset, mapping, scheduler = data.draw(channels())
    controller = Controller(preset, mapping, scheduler)
    clk = 0
    for tag, (gap, address, is_write) in enumerate(data.draw(traffic(preset, mapping, most=40))):
        clk = max(clk + gap, 0)
        controller.advance(clk)
        controller.submit(clk, tag, address, is_write)
        clk += 1
        upcoming = controller.next()
        assert upcoming >= clk
        if upcoming == NEVER:
            continue
        result = controller.advance(upcoming - 1, observe=True)
        assert result.done == []
        # Only refreshes of an idle channel, for which nobody waits.
        assert {command for _, command, *_ in rows(result.commands)} <= {"PRE", "PREA", "REF"}
        clk = upcoming


def check_replay(preset, mapping, scheduler, requests):
    """Offered as early as may be, engine and twin issue the same commands for as long as the replay lasts."""
    twin = DramTwin(preset, mapping, scheduler)
    accepted, done, _ = schedule_on_twin(twin, requests, 0)
    controller = Controller(preset, mapping, scheduler)
    replay = controller.replay(*to_arrays(requests), observe=True)
    # To the end of the replay: it also issues writes that were done when they were buffered.
    done += twin.advance(replay.stats.clocks)[0]
    while len(done) < len(requests):
        done += twin.advance(twin.now + 100)[0]
    finished = dict(done)
    assert replay.latencies.tolist() == [finished[tag] - clk for tag, clk in enumerate(accepted)]
    assert rows(replay.commands) == [c for c in twin.commands if c[0] <= replay.stats.clocks]


@given(st.data())
def test_the_replay_driver_is_the_twin_offered_every_clock(data):
    preset, mapping, scheduler = data.draw(channels())
    requests = [(0, address, is_write) for _, address, is_write in data.draw(traffic(preset, mapping))]
    check_replay(preset, mapping, scheduler, requests)


@pytest.mark.parametrize("scheduler", [name for name, policy in SCHEDULERS.items() if not policy.ideal])
@pytest.mark.parametrize("page", ["open", "closed"])
@pytest.mark.parametrize("is_write", [False, True])
def test_what_comes_around_a_refresh_takes_its_turn(scheduler, page, is_write):
    """A row is open that has to be closed for the refresh, or closes itself then, and a request for it comes. Red for:
    one that goes before the refresh that is pending; a refresh that is skipped though its bank was not closed in time.
    """
    scheduler = replace(SCHEDULERS[scheduler], page=page)
    preset = PRESETS["ddr4_2400"].with_timing(tREFI=600)
    encode = preset.mapping("m1").encode
    for gap in range(18, 42):
        requests = [(600 - 22, encode({}), False), (gap, encode({"column": 1}), is_write)]
        twin = DramTwin(preset, "m1", scheduler)
        accepted, done, commands = schedule_on_twin(twin, requests, 500)
        for unobserved in (False, True):
            controller = Controller(preset, "m1", scheduler)
            got_done, got_commands = [], []
            for tag, (clk, (_, address, writes)) in enumerate(zip(accepted, requests, strict=True)):
                result = controller.advance(clk, observe=not unobserved)
                got_done, got_commands = got_done + result.done, got_commands + rows(result.commands)
                assert controller.submit(clk, tag, address, writes)
            result = controller.advance(twin.now, observe=not unobserved)
            assert got_done + result.done == done
            assert unobserved or got_commands + rows(result.commands) == commands


@pytest.mark.parametrize("policy", [FrFcfs, FrFcfsRamulator1, BankRoundRobin])
@pytest.mark.parametrize("is_write", [False, True])
def test_an_engine_that_lags_behind_has_no_more_places(policy, is_write):
    """Silence and refreshes are not yet processed when the first request comes, and the next one behind it. Red for: a
    place that the first is on its way to."""
    preset = PRESETS["ddr4_2400"]
    marks = {} if policy is BankRoundRobin else {"write_high": 1, "write_low": 0}
    scheduler = policy(read_queue=1, write_queue=1, **marks)
    clk = 2 * preset.timing["tREFI"] + 5
    taken = []
    for lags in (False, True):
        controller = Controller(preset, "m1", scheduler)
        taken.append([])
        for tag in range(2):
            if not lags:
                controller.advance(clk + tag)
            taken[-1].append(controller.submit(clk + tag, tag, tag * 8192, is_write))
    assert taken[0] == taken[1]
    assert taken[0][0]


@pytest.mark.parametrize(
    "scheduler", [FrFcfs(read_queue=1), FrFcfsRamulator1(read_queue=1), BankRoundRobin(1, bank_queue=1)]
)
def test_a_read_that_a_waiting_write_answers_needs_no_place(scheduler):
    """Red for: one that is refused because other reads fill the queue."""
    controller = Controller(PRESETS["ddr4_2400"], "m1", scheduler)
    row = 8192 * 16
    # A row is opened for the first write; the second waits while reads of other rows fill what there is.
    assert controller.submit(0, 0, 0, True)
    controller.advance(1)
    assert controller.submit(1, 1, row, True)
    for clk in range(2, 10):
        controller.advance(clk)
        if not controller.submit(clk, clk, clk * row, False):
            break
    assert clk < 6
    controller.advance(clk + 1)
    assert not controller.submit(clk + 1, clk + 1, 20 * row, False)
    assert controller.submit(clk + 1, clk + 1, row, False)
    assert (clk + 1, clk + 2) in controller.advance(2000).done
    assert controller.stats(2000).forwarded_reads == 1


@given(st.data())
def test_who_observes_changes_nothing(data):
    """Of many requests the channel is idle before, and they come at the clocks at which it is refreshed. Red for: a
    transaction that moves at the clock of a refresh that was skipped, before what arrives at it."""
    preset, mapping, scheduler = data.draw(channels(ideal=True))
    geometry, interval = preset.geometry, preset.timing["tREFI"]
    turns = geometry.ranks * (geometry.banks if scheduler.refresh == "per-bank" else 1)
    watched, alone = (Controller(preset, mapping, scheduler) for _ in range(2))
    seen, told = [], []
    clk = 0
    for tag, (gap, address, is_write) in enumerate(data.draw(traffic(preset, mapping, most=30))):
        clk += gap
        if data.draw(st.booleans()):
            number = clk * turns // interval + data.draw(st.sampled_from([0, 1, turns, 2 * turns + 1]))
            clk = max(clk, number * interval // turns)
        while True:
            seen += watched.advance(clk, observe=True).done
            told += alone.advance(clk).done
            taken = watched.submit(clk, tag, address, is_write)
            assert alone.submit(clk, tag, address, is_write) == taken
            clk += 1
            if taken:
                break
    clk += data.draw(st.integers(0, 2 * interval))
    assert seen + watched.advance(clk, observe=True).done == told + alone.advance(clk).done
    assert watched.stats(clk) == alone.stats(clk)


@pytest.mark.parametrize("scheduler", [name for name, policy in SCHEDULERS.items() if not policy.ideal])
@pytest.mark.parametrize("observe", [False, True])
@pytest.mark.parametrize("late", [0, 1])
def test_a_request_at_the_clock_of_an_idle_refresh_waits_for_that_one_only(scheduler, observe, late):
    preset = PRESETS["ddr4_2400"]
    t, controller = preset.timing, Controller(preset, "m1", scheduler)
    clk = 2 * t["tREFI"] + late
    controller.advance(clk, observe=observe)
    controller.submit(clk, 0, 0, is_write=False)
    end = 2 * t["tREFI"] + t["tRFC"] + t["tRCD"] + t["RL"] + t["BL_CK"]
    assert controller.advance(4 * t["tREFI"], observe=observe).done == [(0, end)]


def test_a_replay_on_a_channel_with_a_foreign_request_is_refused():
    controller = Controller(PRESETS["ddr4_2400"])
    assert controller.submit(0, 1, 0, is_write=False)
    with pytest.raises(KernelError, match=r"cs_dram_replay: .*state"):
        controller.replay(np.array([64], dtype=np.uint64), np.zeros(1, dtype=np.uint8))


@pytest.mark.parametrize("scheduler", [name for name, policy in SCHEDULERS.items() if not policy.ideal])
@pytest.mark.parametrize("clk", [(1 << 60) - 200, (1 << 60) - 1, 1 << 60, (1 << 63) - 1])
@pytest.mark.parametrize("one_at_a_time", [False, True])
def test_a_replay_ends_before_time_does(scheduler, clk, one_at_a_time):
    """What would be done after the last clock there is was waited for without end."""
    controller = Controller(PRESETS["ddr4_2400"], "m1", scheduler)
    requests = [(0, bank << 13, True) for bank in range(40)]
    earliest = np.full(40, clk)
    with pytest.raises(ValueError, match=r"would end after clock 2\^60$"):
        controller.replay(*to_arrays(requests), earliest=earliest, one_at_a_time=one_at_a_time)


def test_the_replay_issues_writes_that_were_done_when_buffered():
    """Writes of four rows of one bank are done as soon as they are buffered and issued a row cycle apart."""
    preset = PRESETS["lpddr4_3200"]
    scheduler = BankRoundRobin(write_queue=2, bank_queue=3, drain_over=0, row_hits=1)
    requests = [(0, preset.mapping("m1").encode({"row": row}), True) for row in range(4)]
    replay = Controller(preset, "m1", scheduler).replay(*to_arrays(requests), observe=True)
    assert max(replay.latencies) == 1
    assert [name for _, name, *_ in rows(replay.commands)].count("WR") == 4
    assert replay.end_clk > preset.timing["tRFC"]
    check_replay(preset, "m1", scheduler, requests)


def to_arrays(requests):
    return (
        np.array([address for _, address, _ in requests], dtype=np.uint64),
        np.array([is_write for _, _, is_write in requests], dtype=np.uint8),
    )


@pytest.mark.parametrize(("scheduler", "refused"), [("fr-fcfs", 9364), ("bank-round-robin", 9363)])
def test_a_request_after_a_completion_that_was_not_told_is_refused(scheduler, refused):
    """Reads answered from a write that waits for a refresh: each takes a clock and no place, and there is room for so
    many completions only."""
    controller = Controller(PRESETS["ddr4_2400"], "m1", scheduler)
    controller.advance(9360)
    for clk in range(9361, refused):
        assert controller.submit(clk, clk, 0, clk == 9361)
    # The first completion: of a buffered write a clock after it, of a read a clock after that.
    with pytest.raises(KernelError, match="cs_dram_submit"):
        controller.submit(refused, refused, 0, False)
    told = []
    for clk in range(refused, 9700):
        told += controller.advance(clk).done
        assert controller.submit(clk, clk, 0, False)
    told += controller.advance(11000).done
    assert sorted(tag for tag, _ in told) == list(range(9361, 9700))
    assert all(clk == tag + 1 for tag, clk in told if tag > 9361)


@pytest.mark.parametrize("scheduler", [name for name in SCHEDULERS if name != "ideal"])
@pytest.mark.parametrize("is_open", [False, True])
def test_an_idle_engine_that_lags_behind_a_refresh_makes_up_for_it(scheduler, is_open):
    """A request comes at a refresh or after it, and the engine stands before it or within. Red for: a pending refresh
    that waits until the clock of the request."""
    due = PRESETS["ddr4_2400"].timing["tREFI"]
    for stands in (due - 1, due, due + 1):
        for clk in (due, due + 1, due + 10, due + 17, due + 40):
            told = []
            for lags in (False, True):
                controller = Controller(PRESETS["ddr4_2400"], "m1", scheduler)
                blocks = []
                if is_open:  # then a bank has to be closed first, which takes 17 clocks
                    assert controller.submit(0, 0, 0, False)
                blocks.append(controller.advance(stands, observe=True))
                if not lags:
                    blocks.append(controller.advance(max(clk, stands), observe=True))
                assert controller.submit(max(clk, stands), 1, 8192, False)
                blocks.append(controller.advance(due + 1000, observe=True))
                told.append([row for block in blocks for row in rows(block.commands)])
            assert told[0] == told[1]
            assert [command for _, command, *_ in told[0] if command.startswith("REF")] == ["REF"]


@pytest.mark.parametrize(
    ("clk", "tag", "address"),
    [
        (-1, 0, 0),
        (2**60 + 1, 0, 0),
        (2**64, 0, 0),
        (0, -1, 0),
        (0, 2**64, 0),
        (0, 0, -64),
        (0, 0, 8 << 30),
        (0, 0, 2**64),
    ],
)
def test_a_request_that_cannot_be_is_named(clk, tag, address):
    controller = Controller(PRESETS["ddr4_2400"])
    with pytest.raises(ValueError, match=f"^clk {clk}, tag {tag}, address {address:#x}: expected a clock of 0 to "):
        controller.submit(clk, tag, address, False)
    assert controller.submit(2**60, 2**64 - 1, (8 << 30) - 64, False)
