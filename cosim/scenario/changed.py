"""What `extends`, `--set` and a sweep change does not keep its source, unless they give it a new one."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from .errors import Position
from .tree import Node

__all__ = ["PROVENANCE", "differences", "mark_changed"]

PROVENANCE = "provenance"
_SOURCE = "source:"
_LIMIT = 1000  # characters of an entry


def differences(before: Node | None, after: Node, path: str) -> Iterator[tuple[str, Position]]:
    """Paths of the values in `after` that `before` does not have so, each with its place. A list is one value."""
    if isinstance(after.value, dict):
        for key, child in after.value.items():
            yield from differences(
                None if before is None else before.child(key), child, f"{path}.{key}" if path else key
            )
    elif before is None or before.plain() != after.plain():
        yield path, after.position


def mark_changed(node: Node, changes: Collection[tuple[str, Position]], said: Collection[str] = ()) -> None:
    """Give each of `changes` in the mapping `node` that would carry a source an entry of its own, an assumption.

    Entries at the paths `said` come from whoever makes the changes, and stay.
    """
    entries = node.child(PROVENANCE) if isinstance(node.value, dict) else None
    if entries is None or not isinstance(entries.value, dict):
        return
    marked = Node(entries.position, dict(entries.value), dict(entries.keys))
    for path, position in changes:
        nearest = path
        while nearest and nearest not in entries.value:
            nearest = nearest.rpartition(".")[0]
        if not nearest or nearest in said:
            continue
        old = entries.value[nearest].value
        if isinstance(old, str) and old.startswith(_SOURCE):
            text = f"assumed: changed here; of the value before it was said: {old}"[:_LIMIT]
            marked.value[path], marked.keys[path] = Node(position, text), position
    node.value[PROVENANCE] = marked
