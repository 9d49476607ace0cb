"""The C memories against their clock-by-clock twin, at every instant, however a run is cut."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import sram as twin
from unit.sram.strategies import cases, submitted

from cosim.clib import KernelError, lib
from cosim.models.sram.memory import MemoryConfig
from cosim.models.sram.state import NEVER, MemoryState

pytestmark = pytest.mark.c_library


def twin_run(memories, clients, jobs):
    return twin.run(jobs, [(memory.banks, memory.ports, memory.interleave) for memory in memories], clients)


@given(cases())
def test_jobs_are_done_at_the_twins_clocks(case):
    _, _, jobs = case
    done, _ = twin_run(*case)
    records = submitted(*case).advance(NEVER).tolist()
    # Jobs of one clock come by (memory, client, submission).
    order = sorted(range(len(jobs)), key=lambda tag: (done[tag], jobs[tag][1], jobs[tag][2], tag))
    assert records == [(tag, done[tag]) for tag in order]


@given(cases())
def test_counts_are_the_twins_at_every_clock(case):
    memories, clients, _ = case
    _, history = twin_run(*case)
    state = submitted(*case)
    for clk, (accesses, waiting) in enumerate(history):
        state.advance(clk)
        for ours, theirs in zip(state.stats(), (accesses, waiting), strict=True):
            for memory, counts in enumerate(ours):
                expected = [
                    [theirs.get((memory, bank, client), 0) for client in range(clients)]
                    for bank in range(memories[memory].banks)
                ]
                assert counts.tolist() == expected
    assert state.next() == NEVER


@given(cases(), st.integers(0, 2**32 - 1).map(Random))
def test_cutting_a_run_into_advances_changes_nothing(case, random):
    """Arbitrary limits, stops, room for one record only, and jobs submitted as late as allowed or ahead of time."""
    memories, clients, jobs = case
    whole = submitted(*case)
    expected = whole.advance(NEVER).tolist()
    state = MemoryState(memories, clients, len(jobs))
    waiting = sorted(enumerate(jobs), key=lambda item: item[1][0])
    got = []
    while waiting or state.next() != NEVER:
        while waiting and (waiting[0][1][0] <= state.now or random.random() < 0.5):
            tag, (clk, *job) = waiting.pop(0)
            state.submit(clk, tag, *job)
        limit = state.now + random.randint(0, 9)
        limit = min(limit, waiting[0][1][0]) if waiting else limit
        earliest = state.next()
        stops = random.random() < 0.5
        records = state.advance(limit, stop=stops, room=1).tolist()
        assert not records or earliest <= records[0][1] <= limit
        assert not stops or len({clk for _, clk in records}) <= 1
        got += records
    assert [clk for _, clk in got] == [clk for _, clk in expected]
    assert dict(got) == dict(expected)
    assert [part.tolist() for part in whole.stats()[1]] == [part.tolist() for part in state.stats()[1]]


@given(cases(), st.integers(0, 2**32 - 1).map(Random))
def test_the_order_of_submission_between_clients_does_not_matter(case, random):
    memories, clients, jobs = case
    expected = dict(submitted(*case).advance(NEVER).tolist())
    # Shuffle, but keep each client's own order.
    mixed = list(range(len(jobs)))
    random.shuffle(mixed)
    own = {client: iter([tag for tag, job in enumerate(jobs) if job[2] == client]) for client in range(clients)}
    mixed = [next(own[jobs[tag][2]]) for tag in mixed]
    state = MemoryState(memories, clients, len(jobs))
    for tag in mixed:
        state.submit(jobs[tag][0], tag, *jobs[tag][1:])
    assert dict(state.advance(NEVER).tolist()) == expected


def test_a_job_is_first_granted_a_clock_after_its_submission():
    state = MemoryState([MemoryConfig(8, 2)], 1)
    state.submit(5, 1, 0, 0, 0, 1)
    assert state.next() == 6
    assert state.advance(5).size == 0
    assert state.advance(6).tolist() == [(1, 6)]


def test_two_clients_take_turns_by_index_not_by_arrival():
    """Client 1 asks first, in the same clock: client 0 is still the first in turn, then they alternate."""
    state = MemoryState([MemoryConfig(8, 1)], 2)
    state.submit(0, 11, 0, 1, 0, 2)
    state.submit(0, 10, 0, 0, 0, 2)
    assert state.advance(NEVER).tolist() == [(10, 3), (11, 4)]
    assert state.stats()[1][0].tolist() == [[1, 2]]


def test_a_client_alone_uses_all_ports_of_a_bank():
    state = MemoryState([MemoryConfig(64, 1, ports=3)], 2)
    state.submit(0, 1, 0, 1, 0, 10)
    assert state.advance(NEVER).tolist() == [(1, 4)]
    assert state.stats()[1][0].tolist() == [[0, 0]]


def test_the_turn_is_kept_over_idle_time():
    state = MemoryState([MemoryConfig(8, 1)], 2)
    state.submit(0, 1, 0, 0, 0, 1)
    state.advance(10**12)
    state.submit(10**12, 2, 0, 0, 0, 1)
    state.submit(10**12, 3, 0, 1, 0, 1)
    assert state.advance(NEVER).tolist() == [(3, 10**12 + 1), (2, 10**12 + 2)]


@given(cases())
def test_an_ideal_memory_is_done_at_once_and_counts_the_same_accesses(case):
    memories, clients, jobs = case
    state = MemoryState(memories, clients, len(jobs), ideal=True)
    for tag, (clk, *job) in enumerate(jobs):
        state.submit(clk, tag, *job)
    assert dict(state.advance(NEVER).tolist()) == {tag: job[0] for tag, job in enumerate(jobs)}
    real = submitted(*case)
    real.advance(NEVER)
    for ours, theirs in zip(state.stats()[0], real.stats()[0], strict=True):
        assert ours.tolist() == theirs.tolist()
    assert all(not part.any() for part in state.stats()[1])


def test_long_jobs_cost_no_more_than_short_ones():
    """2**40 words at one access a clock: only closed forms get there."""
    state = MemoryState([MemoryConfig(2**40, 1)], 64)
    for client in range(64):
        state.submit(0, client, 0, client, 0, 2**40)
    records = state.advance(NEVER)
    assert records["clk"].tolist() == [2**46 - 63 + client for client in range(64)]


def test_a_full_table_refuses_and_goes_on_when_a_job_was_taken():
    state = MemoryState([MemoryConfig(8, 2)], 1, max_jobs=1)
    state.submit(0, 1, 0, 0, 0, 8)
    with pytest.raises(KernelError) as caught:
        state.submit(0, 2, 0, 0, 0, 8)
    assert caught.value.status == lib.CS_FULL
    assert state.advance(NEVER).tolist() == [(1, 4)]
    state.submit(4, 2, 0, 0, 0, 8)
    assert state.advance(NEVER).tolist() == [(2, 8)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((9, 0, 1, 0, 0, 1), "memory 1: expected 0 to 0"),
        ((9, 0, 0, 2, 0, 1), "client 2: expected 0 to 1"),
        ((9, 0, 0, 0, 7, 2), "words 7 to 8: expected a range in 0 to 7"),
        ((9, 0, 0, 0, 0, 0), "words 0 to -1: expected a range in 0 to 7"),
        ((6, 0, 0, 0, 0, 1), "clk 6: expected at least 7, the last processed clock"),
    ],
)
def test_a_wrong_job_is_refused_by_name(arguments, message):
    state = MemoryState([MemoryConfig(8, 2)], 2)
    state.advance(7)
    with pytest.raises(ValueError, match=f"^{message}$"):
        state.submit(*arguments)
