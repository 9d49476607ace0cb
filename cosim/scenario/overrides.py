"""One value of a scenario changed from outside: by `--set a.b=c` on the command line, or by a point of a sweep."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from .changed import PROVENANCE, differences, mark_changed
from .errors import Position, Problem, ScenarioError, Source
from .tree import Node, parse_yaml

__all__ = ["Override", "Setting", "apply_all", "steps_of"]


def steps_of(path: str) -> list[str]:
    """The steps of a path: `a[1].b` and `a.1.b` are the same."""
    return path.strip().replace("[", ".").replace("]", "").split(".")


def apply_all(settings: Sequence[Setting], root: Node) -> None:
    """Apply what can be applied of `settings`, in this order, and take the source from the values that they change,
    but for those that one of them gives a source, first or last. Raises ScenarioError as `apply` does."""
    for setting in settings:
        setting.apply(root)
    said = {id(node) for setting in settings for node in setting.entries}
    for setting in settings:
        setting.mark(said)


class Setting:
    """One value put into a tree. `apply` is repeated while references are loaded, until the path exists.

    `position` is where whoever set it said so, `named` what a problem with the path is called.
    """

    def __init__(self, steps: Sequence[str], node: Node, position: Position, named: str = "") -> None:
        self.steps, self.node, self.position, self.named = list(steps), node, position, named
        self.applied = False
        self.waits_at: Node | None = None
        """The text in the way, which may be the path of a file that is not loaded yet."""
        self.entries: list[Node] = []
        """What it says of where values come from, once it is applied."""
        self._changes: list[tuple[Node, list[tuple[str, Position]]]] = []

    def apply(self, root: Node) -> None:
        """Put the value into the tree, if the way there exists. Raises ScenarioError if there can be no such way."""
        if self.applied:
            return
        node, at = root, 0
        way: list[tuple[Node, str]] = []
        while True:
            at, step = self._step(node, at)
            way.append((node, step))
            if at == len(self.steps):
                break
            child = node.child(step)
            if child is None and isinstance(node.value, dict):
                child = Node(self.position, {})
                node.value[step], node.keys[step] = child, self.position
            if child is None:
                raise self.error(at - 1)
            if isinstance(child.value, str):
                self.waits_at = child
                return
            node = child
        before = node.child(step)
        self.node.put_over(before)
        if isinstance(node.value, dict):
            node.value[step], node.keys[step] = self.node, self.position
        elif isinstance(node.value, list) and node.child(step) is not None:
            node.value[int(step)] = self.node
        else:
            raise self.error(at - 1)
        self.applied = True
        if any(step == PROVENANCE for _, step in way):
            self.entries = list(self.node.walk())
        self._compare(way, before)

    def mark(self, said: Collection[int]) -> None:
        """Take the source from what is another value now; entries whose nodes have one of the ids `said` stay."""
        for node, changes in self._changes:
            entries = node.value[PROVENANCE].value  # which may be another by now
            if isinstance(entries, dict):
                mark_changed(node, changes, [key for key, entry in entries.items() if id(entry) in said])
        self._changes = []

    def _compare(self, way: list[tuple[Node, str]], before: Node | None) -> None:
        """Note what is another value now, for all that the way leads through."""
        for start, (node, first) in enumerate(way):
            entries = node.child(PROVENANCE) if isinstance(node.value, dict) else None
            if entries is None or first == PROVENANCE or not isinstance(entries.value, dict):
                continue
            # A list is one value: the path ends where it begins.
            lists = [end for end, (inner, _) in enumerate(way) if end > start and isinstance(inner.value, list)]
            path = ".".join(step for _, step in way[start : lists[0] if lists else len(way)])
            changes = list(differences(before, self.node, path))
            if lists:
                changes = [(path, self.position)] if changes else []
            self._changes.append((node, changes))

    def _step(self, node: Node, at: int) -> tuple[int, str]:
        """The next key and what is behind it: the longest that is there, for keys that have dots in them, as those of a
        provenance have."""
        if at and self.steps[at - 1] == PROVENANCE:
            return len(self.steps), ".".join(self.steps[at:])
        for end in range(len(self.steps), at, -1):
            step = ".".join(self.steps[at:end])
            if node.child(step) is not None:
                return end, step
        return at + 1, self.steps[at]

    def error(self, depth: int | None = None) -> ScenarioError:
        """There is nothing to set at this path."""
        where = ".".join(self.steps[:depth]) if depth is not None else ".".join(self.steps)
        message = f"{where} has no '{self.steps[depth]}'" if depth is not None else "no such place in the scenario"
        return ScenarioError([Problem(self.position, self.named, message)])


class Override(Setting):
    """One `--set`."""

    def __init__(self, text: str, scenario: Source, parsed: dict[str, Any] | None = None) -> None:
        """Raises ScenarioError unless `text` is PATH=VALUE with VALUE in YAML. For `parsed` see `parse_yaml`."""
        self.source = Source(f"--set {text}", None, scenario)
        position = Position(self.source)
        path, equals, value = text.partition("=")
        steps = steps_of(path)
        if not equals or not all(steps):
            raise ScenarioError([Problem(position, "", "expected PATH=VALUE, like chip.lanes=8")])
        super().__init__(steps, Node(position, None), position)
        if not value.strip():
            return
        try:
            self.node = parse_yaml(value, self.source, parsed)
        except ScenarioError as error:
            problems = [Problem(position, path, problem.message) for problem in error.problems]
            raise ScenarioError(problems) from None
        for node in self.node.walk():
            node.position = position
            node.keys = dict.fromkeys(node.keys, position)
