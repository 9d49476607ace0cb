"""Tiles never overlap and are freed once; the two halves of a double buffer are never owned by both sides."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from cosim.models.sram.allocator import AllocationError, Allocator, DoubleBuffer, Tile


class Allocations(RuleBasedStateMachine):
    """Random requests against a bitmap of owned words."""

    tiles = Bundle("tiles")

    def __init__(self):
        super().__init__()
        self.words, self.alignment = 40, 3
        self.allocator = Allocator("spm", self.words, alignment=self.alignment)
        self.owner = [None] * self.words

    def first_fit(self, words):
        starts = range(0, self.words - words + 1, self.alignment)
        return next((s for s in starts if not any(self.owner[s : s + words])), None)

    @rule(target=tiles, words=st.integers(1, 20))
    def allocate(self, words):
        expected = self.first_fit(words)
        if expected is None:
            with pytest.raises(AllocationError, match=f"^spm: no room for tile 't' of {words} words: "):
                self.allocator.allocate("t", words)
            return multiple()
        tile = self.allocator.allocate("t", words)
        assert (tile.first_word, tile.words) == (expected, words)
        self.owner[tile.first_word : tile.end] = [tile] * words
        return tile

    @rule(tile=consumes(tiles))
    def free(self, tile):
        self.allocator.free(tile)
        self.owner[tile.first_word : tile.end] = [None] * tile.words
        with pytest.raises(AllocationError, match="is freed, but is not live"):
            self.allocator.free(tile)

    @invariant()
    def live_tiles_are_those_of_the_bitmap(self):
        live = self.allocator.live
        assert self.allocator.used_words == sum(tile.words for tile in live) <= self.words
        assert self.allocator.used_words == sum(owner is not None for owner in self.owner)
        assert all(a.end <= b.first_word for a, b in pairwise(live))
        assert self.allocator.peak_words >= self.allocator.used_words


TestAllocations = Allocations.TestCase


def test_an_error_says_what_is_free_and_who_owns_the_rest():
    allocator = Allocator("spm", 10)
    first = allocator.allocate("weights", 4)
    allocator.allocate("inputs", 2)
    allocator.free(first)
    with pytest.raises(AllocationError) as caught:
        allocator.allocate("outputs", 5)
    assert str(caught.value) == (
        "spm: no room for tile 'outputs' of 5 words: 8 of 10 are free, the largest gap has 4; live tiles: inputs 2"
    )
    assert allocator.peak_words == 6


def test_a_tile_of_another_memory_is_not_freed_here():
    one, other = Allocator("one", 4), Allocator("other", 4)
    tile = one.allocate("t", 4)
    other.allocate("t", 4)
    with pytest.raises(AllocationError, match=r"^other: tile 't' is freed, but is not live"):
        other.free(tile)
    one.free(tile)


@pytest.mark.parametrize("words", [0, -1])
def test_a_tile_has_words(words):
    with pytest.raises(ValueError, match=f"^spm: tile 't' of {words} words: expected at least 1$"):
        Allocator("spm", 4).allocate("t", words)
    with pytest.raises(ValueError, match=f"^spm: words {words}, alignment 1: expected at least 1$"):
        Allocator("spm", words)


HALVES = (Tile("a", 0, 4), Tile("b", 4, 4))


@given(st.lists(st.sampled_from(["begin_fill", "end_fill", "begin_drain", "end_drain"]), max_size=40))
def test_the_sides_never_own_the_same_half_and_drain_in_order_of_filling(steps):
    buffer = DoubleBuffer("x", HALVES)
    filling, draining, filled, drained = None, None, [], []
    for step in steps:
        allowed = {
            "begin_fill": filling is None and buffer.can_fill(),
            "end_fill": filling is not None,
            "begin_drain": draining is None and buffer.can_drain(),
            "end_drain": draining is not None,
        }[step]
        if not allowed:
            before = buffer.states
            with pytest.raises(AllocationError, match=r"^x: the (producer|consumer) "):
                getattr(buffer, step)()
            assert buffer.states == before
            continue
        half = getattr(buffer, step)()
        if step == "begin_fill":
            filling = half
            filled.append(half)
        elif step == "end_fill":
            filling = None
        elif step == "begin_drain":
            draining = half
            drained.append(half)
        else:
            draining = None
        assert filling is None or filling is not draining
        assert drained == filled[: len(drained)]


def test_both_halves_can_be_full_but_no_third():
    buffer = DoubleBuffer("x", HALVES)
    for _ in range(2):
        buffer.begin_fill()
        buffer.end_fill()
    assert buffer.states == ("full", "full")
    with pytest.raises(AllocationError) as caught:
        buffer.begin_fill()
    assert str(caught.value) == "x: the producer asks for half 0, which is full; expected it to be empty"


def test_halves_that_overlap_are_refused():
    with pytest.raises(AllocationError, match=r"^x: the halves 'a' and 'c' overlap$"):
        DoubleBuffer("x", (HALVES[0], Tile("c", 3, 4)))
