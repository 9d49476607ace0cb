"""A timeline for chrome://tracing and ui.perfetto.dev: spans and counters by track."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PS_PER_US = 10**6
Scalar = str | int | bool


class Timeline:
    """Spans and counter values, bounded by `limit` events; what comes after that is counted in `dropped`.

    A track is named by path ("chip.core0"): its first part becomes the trace's process, the whole path its thread.
    `to_json` gives the same bytes whatever the order in which the events were recorded.
    """

    def __init__(self, limit: int = 1_000_000) -> None:
        if limit < 0:
            raise ValueError(f"limit: expected at least 0, got {limit}")
        self.limit = limit
        self.dropped = 0
        self._spans: list[tuple[int, int, str, str, str]] = []
        self._values: list[tuple[int, str, str, int]] = []

    def __len__(self) -> int:
        return len(self._spans) + len(self._values)

    def _has_room(self) -> bool:
        if len(self) < self.limit:
            return True
        self.dropped += 1
        return False

    def span(
        self, track: str, name: str, start_ps: int, end_ps: int, arguments: Mapping[str, Scalar] | None = None
    ) -> None:
        """Something that lasted from `start_ps` to `end_ps`, not before it (ValueError)."""
        if end_ps < start_ps:
            raise ValueError(f"span {name!r} on {track}: ends at {end_ps}, before it starts at {start_ps}")
        if self._has_room():
            self._spans.append((start_ps, end_ps, track, name, json.dumps(dict(arguments or {}), sort_keys=True)))

    def counter(self, track: str, name: str, time_ps: int, value: int) -> None:
        """`value` holds from `time_ps` on. Of several values at one instant the one recorded last counts."""
        if self._has_room():
            self._values.append((time_ps, track, name, value))

    def state(self) -> list[Any]:
        """Everything recorded, as plain data."""
        return [self.dropped, self._spans, self._values]

    def restore(self, state: Sequence[Any]) -> None:
        """Take back what `state` gave."""
        self.dropped = int(state[0])
        self._spans = [(int(start), int(end), *map(str, rest)) for start, end, *rest in state[1]]  # type: ignore[misc]
        self._values = [(int(time), str(track), str(name), int(value)) for time, track, name, value in state[2]]

    def to_json(self) -> str:
        """The trace in Chrome's JSON format, times exact to the picosecond."""
        values = {(time, track, name): value for time, track, name, value in self._values}
        tracks = sorted({track for _, _, track, _, _ in self._spans} | {track for _, track, _ in values})
        groups = sorted({track.split(".")[0] for track in tracks})
        process = {track: groups.index(track.split(".")[0]) + 1 for track in tracks}
        thread = {track: index + 1 for index, track in enumerate(tracks)}
        rows = [
            f'{{"ph":"M","name":"process_name","pid":{index + 1},"tid":0,"args":{{"name":{json.dumps(group)}}}}}'
            for index, group in enumerate(groups)
        ]
        rows += [
            f'{{"ph":"M","name":"thread_name","pid":{process[track]},"tid":{thread[track]},'
            f'"args":{{"name":{json.dumps(track)}}}}}'
            for track in tracks
        ]
        # Of spans that start together the longest comes first: viewers nest them in file order.
        for start, end, track, name, arguments in sorted(self._spans, key=lambda row: (row[0], row[2], -row[1], row)):
            rows.append(
                f'{{"ph":"X","name":{json.dumps(name)},"pid":{process[track]},"tid":{thread[track]},'
                f'"ts":{_us(start)},"dur":{_us(end - start)},"args":{arguments}}}'
            )
        for (time, track, name), value in sorted(values.items()):
            rows.append(
                f'{{"ph":"C","name":{json.dumps(f"{track} {name}")},"pid":{process[track]},"tid":{thread[track]},'
                f'"ts":{_us(time)},"args":{{"value":{value}}}}}'
            )
        body = ",\n".join(rows)
        return (
            f'{{"displayTimeUnit":"ns","otherData":{{"limit":{self.limit},"dropped":{self.dropped}}},'
            f'"traceEvents":[\n{body}\n]}}\n'
        )

    def write(self, path: Path) -> None:
        """Write `to_json` to a file."""
        path.write_text(self.to_json(), encoding="utf-8", newline="\n")


def _us(time_ps: int) -> str:
    # A float of microseconds has no exact picoseconds beyond 2**53 ps; a decimal number has.
    return f"{time_ps // PS_PER_US}.{time_ps % PS_PER_US:06d}"
