"""Who owns which words of a memory: tiles that never overlap, are freed once, and change hands as double buffers."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

__all__ = ["AllocationError", "Allocator", "DoubleBuffer", "Tile"]


class AllocationError(RuntimeError):
    """A memory has no room, or a tile or half is used by one who does not own it."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """`words` words from `first_word` on, owned until freed. Every allocation is a tile of its own."""

    name: str
    first_word: int
    words: int

    @property
    def end(self) -> int:
        """The word behind the last."""
        return self.first_word + self.words


class Allocator:
    """First fit, lowest address first, so that the same requests give the same addresses.

    `alignment`: tiles begin at multiples of it; their lengths are kept as asked for.
    """

    def __init__(self, name: str, words: int, *, alignment: int = 1) -> None:
        if words < 1 or alignment < 1:
            raise ValueError(f"{name}: words {words}, alignment {alignment}: expected at least 1")
        self.name = name
        self.words = words
        self.alignment = alignment
        self._live: list[tuple[int, Tile]] = []  # by first word; no two are equal
        self._used = 0
        self._peak = 0

    @property
    def used_words(self) -> int:
        """Words owned now."""
        return self._used

    @property
    def peak_words(self) -> int:
        """The most that were owned at once."""
        return self._peak

    @property
    def live(self) -> list[Tile]:
        """All live tiles, by address."""
        return [tile for _, tile in self._live]

    def allocate(self, name: str, words: int) -> Tile:
        """A tile of `words` words. AllocationError, saying what is free, if no gap is large enough."""
        if words < 1:
            raise ValueError(f"{self.name}: tile {name!r} of {words} words: expected at least 1")
        start, largest = 0, 0
        for first, tile in [*self._live, (self.words, None)]:
            if start + words <= first:
                return self._own(Tile(name, start, words))
            largest = max(largest, first - start)
            if tile is not None:
                start = -(-tile.end // self.alignment) * self.alignment
        owners = ", ".join(f"{tile.name} {tile.words}" for tile in self.live) or "none"
        raise AllocationError(
            f"{self.name}: no room for tile {name!r} of {words} words: {self.words - self._used} of "
            f"{self.words} are free, "
            f"the largest gap has {largest}; live tiles: {owners}"
        )

    def free(self, tile: Tile) -> None:
        """Give a tile back. AllocationError if it is not live here, so also the second time."""
        place = bisect_left(self._live, tile.first_word, key=lambda item: item[0])
        if place == len(self._live) or self._live[place][1] is not tile:
            raise AllocationError(
                f"{self.name}: tile {tile.name!r} is freed, but is not live (freed before, or not of here)"
            )
        del self._live[place]
        self._used -= tile.words

    def _own(self, tile: Tile) -> Tile:
        insort(self._live, (tile.first_word, tile), key=lambda item: item[0])
        self._used += tile.words
        self._peak = max(self._peak, self._used)
        return tile


@dataclass(slots=True)
class DoubleBuffer:
    """Two halves between a producer and a consumer, who never own the same one.

    The producer takes an empty half (`begin_fill`), hands it over full (`end_fill`); the consumer takes full halves
    in the order in which they were filled (`begin_drain`) and gives them back empty (`end_drain`). AllocationError
    where the other side, or nobody, owns what is asked for.
    """

    name: str
    halves: tuple[Tile, Tile]
    _states: list[str] = field(default_factory=lambda: ["empty", "empty"])
    _filled: int = 0
    _drained: int = 0

    def __post_init__(self) -> None:
        first, second = self.halves
        if first.first_word < second.end and second.first_word < first.end:
            raise AllocationError(f"{self.name}: the halves {first.name!r} and {second.name!r} overlap")

    @property
    def states(self) -> tuple[str, str]:
        """Of each half: empty, filling, full or draining."""
        return self._states[0], self._states[1]

    def can_fill(self) -> bool:
        """Whether `begin_fill` would succeed."""
        return self._states[self._filled % 2] == "empty"

    def can_drain(self) -> bool:
        """Whether `begin_drain` would succeed."""
        return self._states[self._drained % 2] == "full"

    def begin_fill(self) -> Tile:
        """The next half, for the producer."""
        return self._step(self._filled, "empty", "filling", "the producer asks for")

    def end_fill(self) -> None:
        """The producer's half is full."""
        self._step(self._filled, "filling", "full", "the producer hands over")
        self._filled += 1

    def begin_drain(self) -> Tile:
        """The half that has been full longest, for the consumer."""
        return self._step(self._drained, "full", "draining", "the consumer asks for")

    def end_drain(self) -> None:
        """The consumer's half is empty."""
        self._step(self._drained, "draining", "empty", "the consumer gives back")
        self._drained += 1

    def _step(self, turn: int, expected: str, then: str, what: str) -> Tile:
        half = turn % 2
        if self._states[half] != expected:
            raise AllocationError(
                f"{self.name}: {what} half {half}, which is {self._states[half]}; expected it to be {expected}"
            )
        self._states[half] = then
        return self.halves[half]
