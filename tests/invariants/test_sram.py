"""The memories' laws (28 to 31), on random shapes and accesses.

The banks' model holds no data: tensors live in the workload. So law 29 is about the memories that do, behind TLM
ports. "Red for" names a mutation that each was seen to catch.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.sram.strategies import cases, submitted

from cosim import Module, Simulator
from cosim.models.dram import Memory, preset
from cosim.models.sram.allocator import AllocationError, Allocator, DoubleBuffer, Tile
from cosim.models.sram.memory import MemoryConfig
from cosim.models.sram.state import NEVER
from cosim.tlm import UNWRITTEN, Command, GenericPayload, InitiatorSocket

pytestmark = pytest.mark.c_library


@given(cases())
def test_28_a_bank_grants_no_more_than_its_ports_in_a_clock(case):
    """Red for: a port more than there is."""
    memories, _, _ = case
    state = submitted(*case)
    before = [np.zeros(memory.banks, np.int64) for memory in memories]
    while state.next() != NEVER:
        state.advance(state.now + 1)
        for index, accesses in enumerate(state.stats()[0]):
            total = accesses.sum(axis=1)
            assert np.all((total >= before[index]) & (total - before[index] <= memories[index].ports))
            before[index] = total


@given(cases())
def test_28_a_batch_takes_as_long_as_its_fullest_bank(case):
    """Red for: a port more than there is."""
    memories, clients, jobs = case
    state = submitted(memories, clients, [(0, *job) for _, *job in jobs])
    requests = [np.zeros(memory.banks, np.int64) for memory in memories]
    for _, memory, _, first, words in jobs:
        for word in range(first, first + words):
            requests[memory][memories[memory].locate(word)[0]] += 1
    longest = max(math.ceil(n / memory.ports) for memory, row in zip(memories, requests, strict=True) for n in row)
    assert state.advance(NEVER)["clk"][-1] == longest


# Around the border of a page, where many overlap, and elsewhere.
ADDRESSES = st.integers(140, 160) | st.integers(0, 300)
WRITES = st.tuples(ADDRESSES, st.binary(min_size=1, max_size=80))
READS = st.tuples(ADDRESSES, st.integers(1, 80))


class Master(Module):
    """Something with a socket."""

    def __init__(self, parent):
        super().__init__(parent, "master")
        self.socket = InitiatorSocket(self, "socket")


@given(st.lists(st.one_of(WRITES, READS), min_size=1, max_size=12))
def test_29_a_read_returns_the_last_write_before_it(accesses):
    """Bytes never written are zero, and each read of some is reported. Red for: a read that takes a page from its
    start; a write that marks no more than its first byte as written."""
    simulator = Simulator()
    memory = Memory(simulator, "dram", preset("ddr4_2400"))
    master = Master(simulator)
    master.socket.bind(memory.socket)
    content, written, seen, flagged = bytearray(1000), bytearray(1000), 0, 0
    base = 4096 - 150  # over the border of a page

    def process():
        nonlocal seen, flagged
        for address, what in accesses:
            is_write = isinstance(what, bytes)
            data = bytearray(what) if is_write else bytearray(b"\xff" * what)
            payload = GenericPayload(Command.WRITE if is_write else Command.READ, base + address, data)
            yield from master.socket.b_transport(payload, 0)
            if is_write:
                content[address : address + len(data)] = data
                written[address : address + len(data)] = b"\x01" * len(data)
            else:
                assert data == content[address : address + len(data)]
                flagged += 0 in written[address : address + len(data)]
            assert simulator.reports.count(identifier=UNWRITTEN.identifier) == flagged
            seen += 1

    simulator.process(process())
    simulator.run()
    assert seen == len(accesses)


SIZES = st.one_of(st.integers(1, 30), st.sampled_from(["all that is left", "a word more"]))


@given(st.integers(1, 60), st.integers(1, 4), st.lists(st.tuples(st.booleans(), SIZES), max_size=40))
def test_30_live_tiles_never_overlap(words, alignment, steps):
    """And fill no more than there is. Red for: the gap behind the last tile taken a word too large."""
    allocator = Allocator("spm", words, alignment=alignment)
    live = []
    for is_free, asked in steps:
        end = max((tile.end for tile in live), default=0)
        left = max(words - -(-end // alignment) * alignment, 1)
        size = asked if isinstance(asked, int) else left + (asked == "a word more")
        if is_free and live:
            tile = live.pop(size % len(live))
            allocator.free(tile)
            with pytest.raises(AllocationError, match="not live"):
                allocator.free(tile)
            continue
        try:
            live.append(allocator.allocate("t", size))
        except AllocationError:
            continue
    ordered = sorted(live, key=lambda tile: tile.first_word)
    assert allocator.live == ordered
    assert all(before.end <= after.first_word for before, after in pairwise(ordered))
    assert all(tile.first_word >= 0 and tile.end <= words for tile in live)
    assert allocator.used_words == sum(tile.words for tile in live) <= words


@given(st.lists(st.sampled_from(["begin_fill", "end_fill", "begin_drain", "end_drain"]), max_size=40))
def test_30_a_half_has_one_owner(steps):
    """Red for: a half that can be drained before it is full."""
    buffer = DoubleBuffer("db", (Tile("a", 0, 4), Tile("b", 4, 4)))
    filling, draining = [], []
    for step in steps:
        side = filling if "fill" in step else draining
        try:
            half = getattr(buffer, step)()
        except AllocationError:
            continue
        if step.startswith("begin"):
            side.append(half)
        else:
            side.pop()
        assert len(filling) <= 1
        assert len(draining) <= 1
        assert not set(map(id, filling)) & set(map(id, draining))


@given(st.integers(1, 7), st.integers(1, 5), st.integers(1, 6))
def test_31_words_and_places_are_one_to_one(banks, interleave, blocks):
    """And the C library's shares are those of the places. Red for: rows numbered without the interleaving."""
    memory = MemoryConfig(banks * interleave * blocks, banks, interleave=interleave)
    places = [memory.locate(word) for word in range(memory.words)]
    rows = memory.words // banks
    assert sorted(places) == [(bank, row) for bank in range(banks) for row in range(rows)]
    assert [memory.word_at(*place) for place in places] == list(range(memory.words))
    for first in range(0, memory.words, 3):
        words = memory.words - first
        expected = np.bincount([bank for bank, _ in places[first:]], minlength=banks)
        assert memory.share(first, words).tolist() == expected.tolist()
