"""Counters of events that happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Counters(Mapping[str, int]):
    """Named counts, declared once; a name that was not declared is a KeyError, a decrease a ValueError."""

    def __init__(self, names: Iterator[str] | list[str] | tuple[str, ...]) -> None:
        self._counts = dict.fromkeys(names, 0)

    def add(self, name: str, count: int = 1) -> None:
        """Count `count` more events."""
        if name not in self._counts:
            raise KeyError(f"no counter {name!r}; there are {', '.join(self._counts)}")
        if count < 0:
            raise ValueError(f"counter {name}: events do not unhappen, got {count}")
        self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"Counters({self._counts})"
