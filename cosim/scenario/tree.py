"""YAML 1.2 text to a tree that knows where everything was written.

Only plain data: mappings, lists, text, numbers, booleans, null. Tags, merge keys and YAML 1.1 are refused, as is
everything that could make a small file expensive: depth, size, and aliases that multiply.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, SequenceEndEvent, SequenceStartEvent
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from .errors import Position, Problem, ScenarioError, Source

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "Node", "parse_yaml"]

YAML_SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_NODES = 100_000

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+")
_INTEGER_LIMIT = 2**63


@dataclass(slots=True)
class Node:
    """A value and where it was written. `value` is a dict or list of Nodes, or a scalar."""

    position: Position
    value: Any
    keys: dict[str, Position] = field(default_factory=dict)  # where a mapping's keys were written
    instead_of: Node | None = None
    """The path of a YAML file that this mapping stands in the place of: `extends`, `--set` or a sweep put it there."""

    def plain(self) -> Any:
        """The value without positions."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    @property
    def names_file(self) -> bool:
        """Whether the value may be the path of a YAML file."""
        return isinstance(self.value, str) and self.value.endswith(YAML_SUFFIXES)

    def put_over(self, before: Node | None) -> None:
        """Remember the path that this mapping replaces, if `before` is one, or took the place of one itself."""
        if isinstance(self.value, dict) and before is not None:
            self.instead_of = before if before.names_file else before.instead_of

    def child(self, step: str | int) -> Node | None:
        """The Node under a key or index, or None."""
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and str(step).isdecimal() and int(step) < len(self.value):
            child: Node = self.value[int(step)]
            return child
        return None

    def walk(self) -> Iterator[Node]:
        """This Node and all below it, in the order written."""
        yield self
        if isinstance(self.value, dict | list):
            for child in self.value.values() if isinstance(self.value, dict) else self.value:
                yield from child.walk()


def parse_yaml(text: str, source: Source, parsed: dict[str, Any] | None = None) -> Node:
    """The tree of one document. Raises ScenarioError with the syntax error, or with all that is not plain data.

    `parsed` keeps what was parsed, by text: the same text named again is not parsed again, which is most of the work.
    """
    parsed = {} if parsed is None else parsed
    if text not in parsed:
        parsed[text] = _parsed(text, source)
    builder = _Builder(source)
    node = builder.build(parsed[text], "", ())
    if builder.problems:
        raise ScenarioError(builder.problems)
    return node


def _parsed(text: str, source: Source) -> Any:
    """Ruamel's nodes of one document."""
    yaml = YAML(typ="safe", pure=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ruamel warns of reused anchors, which YAML 1.2 allows
            _check_depth(yaml, text, source)
            root = yaml.compose(text)
    except ReaderError as error:
        before = text[: error.position]
        column = error.position - (before.rfind("\n") + 1) + 1
        position = Position(source, before.count("\n") + 1, column)
        raise ScenarioError(
            [Problem(position, "", f"not YAML: control character U+{_code(error.character):04X}")]
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = f"{error.problem or error.context}"
        if error.problem and error.context:
            what += f" ({error.context})"
        raise ScenarioError([Problem(Position(source, line, column), "", f"not YAML: {what}")]) from None
    except (YAMLError, ValueError) as error:
        what = str(error).splitlines()[0]
        raise ScenarioError([Problem(Position(source, 1, 1), "", f"not YAML: {what}")]) from None
    if root is None:
        raise ScenarioError([Problem(Position(source, 1, 1), "", "the file is empty")])
    return root


def _check_depth(yaml: YAML, text: str, source: Source) -> None:
    """Before the recursive composer sees the text."""
    depth = 0
    for event in yaml.parse(io.StringIO(text)):
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                position = Position(source, event.start_mark.line + 1, event.start_mark.column + 1)
                raise ScenarioError([Problem(position, "", f"nested deeper than {MAX_DEPTH} levels")])
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            depth -= 1
        elif getattr(event, "version", None) not in (None, (1, 2)):
            raise ScenarioError([Problem(Position(source, 1, 1), "", "scenario files are YAML 1.2; drop '%YAML'")])


def _code(character: object) -> int:
    return character if isinstance(character, int) else ord(str(character))


class _Builder:
    """Turns ruamel's nodes into ours, collecting problems."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.count = 0

    def build(self, node: Any, path: str, above: tuple[int, ...]) -> Node:
        position = Position(self.source, node.start_mark.line + 1, node.start_mark.column + 1)
        self.count += 1
        if self.count > MAX_NODES:
            message = f"more than {MAX_NODES} values; aliases count every time they are used"
            raise ScenarioError([*self.problems, Problem(position, "", message)])
        if id(node) in above:
            return self._wrong(position, path, "an alias to a value that contains it")
        tag = str(node.tag)
        if isinstance(node, MappingNode) and tag == _TAG + "map":
            return self._mapping(node, path, (*above, id(node)), position)
        if isinstance(node, SequenceNode) and tag == _TAG + "seq":
            items = [self.build(item, f"{path}[{i}]", (*above, id(node))) for i, item in enumerate(node.value)]
            return Node(position, items)
        if isinstance(node, ScalarNode):
            return self._scalar(node, tag, path, position)
        return self._wrong(position, path, f"tags like {tag.replace(_TAG, '!!')!r} are not allowed")

    def _wrong(self, position: Position, path: str, message: str) -> Node:
        self.problems.append(Problem(position, path, message))
        return Node(position, None)

    def _mapping(self, node: Any, path: str, above: tuple[int, ...], position: Position) -> Node:
        result = Node(position, {})
        for key_node, value_node in node.value:
            at = Position(self.source, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, ScalarNode):
                self._wrong(at, path, "a key must be a plain word; quote text that contains { or [")
                continue
            key = str(key_node.value)
            below = f"{path}.{key}" if path else key
            if str(key_node.tag) == _TAG + "merge":
                self._wrong(at, path, "'<<' is not YAML 1.2; use 'extends: FILE' or an alias")
                continue
            if key in result.value:
                self._wrong(at, below, f"duplicate key; first in line {result.keys[key].line}")
                continue
            result.keys[key] = at
            child = self.build(value_node, below, above)
            if child.value is None and child.position.line > at.line:  # nothing is behind the key
                child.position = at
            result.value[key] = child
        return result

    def _scalar(self, node: Any, tag: str, path: str, position: Position) -> Node:
        text = str(node.value)
        if tag in (_TAG + "str", _TAG + "timestamp"):
            return Node(position, text)
        if tag == _TAG + "null":
            return Node(position, None)
        if tag == _TAG + "bool" and text.lower() in ("true", "false"):
            return Node(position, text.lower() == "true")
        if tag == _TAG + "int" and _INTEGER.fullmatch(text):
            digits = text.replace("_", "")
            base = {"0x": 16, "0o": 8}.get(digits[:2], 10)
            value = int(digits, base) if len(digits) < 64 else _INTEGER_LIMIT
            if abs(value) >= _INTEGER_LIMIT:
                return self._wrong(position, path, "a number beyond 64 bits")
            return Node(position, value)
        if tag == _TAG + "float":
            number = float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
            if number - number != 0:
                return self._wrong(position, path, f"{text[:40]} is not a finite number")
            return Node(position, number)
        return self._wrong(position, path, f"tags like {tag.replace(_TAG, '!!')!r} are not allowed")
