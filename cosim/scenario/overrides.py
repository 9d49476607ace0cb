"""`--set a.b=c`: one value of a scenario changed from the command line."""

from __future__ import annotations

from .errors import Position, Problem, ScenarioError, Source
from .tree import Node, parse_yaml

__all__ = ["Override"]


class Override:
    """One `--set`. `apply` is repeated while references are loaded, until the path exists."""

    def __init__(self, text: str, scenario: Source) -> None:
        """Raises ScenarioError unless `text` is PATH=VALUE with VALUE in YAML."""
        self.source = Source(f"--set {text}", None, scenario)
        self.position = Position(self.source)
        path, equals, value = text.partition("=")
        self.steps = path.strip().replace("[", ".").replace("]", "").split(".")
        if not equals or not all(self.steps):
            raise ScenarioError([Problem(self.position, "", "expected PATH=VALUE, like chip.lanes=8")])
        self.applied = False
        if not value.strip():
            self.node = Node(self.position, None)
            return
        try:
            self.node = parse_yaml(value, self.source)
        except ScenarioError as error:
            problems = [Problem(self.position, path, problem.message) for problem in error.problems]
            raise ScenarioError(problems) from None
        for node in self.node.walk():
            node.position = self.position
            node.keys = dict.fromkeys(node.keys, self.position)

    def apply(self, root: Node) -> None:
        """Put the value into the tree, if the way there exists. Raises ScenarioError if there can be no such way."""
        if self.applied:
            return
        node, at = root, 0
        while True:
            at, step = self._step(node, at)
            if at == len(self.steps):
                break
            child = node.child(step)
            if child is None and isinstance(node.value, dict):
                child = Node(self.position, {})
                node.value[step], node.keys[step] = child, self.position
            if child is None:
                raise self.error(at - 1)
            if isinstance(child.value, str):
                return  # perhaps the path of a file that is not loaded yet
            node = child
        if isinstance(node.value, dict):
            node.value[step], node.keys[step] = self.node, self.position
        elif isinstance(node.value, list) and node.child(step) is not None:
            node.value[int(step)] = self.node
        else:
            raise self.error(at - 1)
        self.applied = True

    def _step(self, node: Node, at: int) -> tuple[int, str]:
        """The next key and what is behind it: the longest that is there, for keys that have dots in them."""
        for end in range(len(self.steps), at, -1):
            step = ".".join(self.steps[at:end])
            if node.child(step) is not None:
                return end, step
        return at + 1, self.steps[at]

    def error(self, depth: int | None = None) -> ScenarioError:
        """There is nothing to set at this path."""
        where = ".".join(self.steps[:depth]) if depth is not None else ".".join(self.steps)
        message = f"{where} has no '{self.steps[depth]}'" if depth is not None else "no such place in the scenario"
        return ScenarioError([Problem(self.position, "", message)])
