"""Reading the files that a scenario names: the only place where its paths are opened.

Every path is relative to the file that names it. `extends: FILE` in any mapping merges that mapping over the file's:
mappings merge key by key, everything else is replaced; a mapping of another `kind` replaces instead of merging.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

from .changed import PROVENANCE, differences, mark_changed
from .errors import Position, Problem, ScenarioError, Source
from .tree import MAX_BYTES, Node, parse_yaml

__all__ = ["EXTENDS", "MAX_INCLUDES", "MAX_LOADS", "Files"]

EXTENDS = "extends"
MAX_INCLUDES = 16  # files in one chain
MAX_LOADS = 1000  # files in all, counted every time they are named
_CHUNK = 1 << 20


class Files:
    """Reads files and remembers the SHA-256 of each, by the name it was called."""

    def __init__(self) -> None:
        self.sha256: dict[str, str] = {}
        self.data: dict[str, str] = {}  # the same for data files, by absolute path
        self._loads = 0
        self.parsed: dict[str, Any] = {}  # see `parse_yaml`
        self._digests: dict[Path, str] = {}  # of data files

    def again(self) -> Files:
        """To read the same files once more: what was parsed and hashed is not parsed and hashed again."""
        result = Files()
        result.parsed, result._digests = self.parsed, self._digests
        return result

    def load_root(self, file: Path) -> Node:
        """The tree of a scenario file, with its `extends` merged. Raises ScenarioError."""
        source = Source(str(file), Path(os.path.abspath(file)))
        return self._load(source, Position(source), "")

    def load_reference(self, node: Node, path: str) -> Node:
        """The tree of the YAML file that `node`, at `path`, names. Raises ScenarioError."""
        return self._load(self._beside(node), node.position, path)

    def find_input(self, node: Node, path: str) -> Path:
        """The data file that `node` names, hashed. Raises ScenarioError."""
        source = self._beside(node)
        assert source.path is not None
        self._check_file(source, node.position, path)
        if source.path not in self._digests:
            digest = hashlib.sha256()
            with source.path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
            self._digests[source.path] = digest.hexdigest()
        self.sha256[source.shown] = self._digests[source.path]
        self.data[str(source.path)] = self.sha256[source.shown]
        return source.path

    def _beside(self, node: Node) -> Source:
        """The source that the text of `node` names: relative to the file it stands in (`--set`: to the scenario)."""
        origin = node.position.source
        here = origin if origin.path is not None else origin.parent
        assert here is not None and here.path is not None
        shown = os.path.normpath(os.path.join(os.path.dirname(here.shown), node.value))
        return Source(shown, Path(os.path.normpath(here.path.parent / node.value)), here)

    def _load(self, source: Source, named_at: Position, path: str) -> Node:
        assert source.path is not None
        chain = source.chain()
        if source.path in [above.path for above in chain[:-1]]:
            loop = " -> ".join(above.shown for above in chain)
            raise ScenarioError([Problem(named_at, path, f"include loop: {loop}")])
        if len(chain) > MAX_INCLUDES:
            raise ScenarioError([Problem(named_at, path, f"more than {MAX_INCLUDES} files, one including the next")])
        self._loads += 1
        if self._loads > MAX_LOADS:
            raise ScenarioError([Problem(named_at, path, f"more than {MAX_LOADS} files to include")])
        size = self._check_file(source, named_at, path)
        if size > MAX_BYTES:
            message = f"{size} bytes; a scenario file has at most {MAX_BYTES}"
            if named_at.source is not source:
                message = f"{source.shown}: {message}"
            raise ScenarioError([Problem(named_at, path, message)])
        content = source.path.read_bytes()
        self.sha256[source.shown] = hashlib.sha256(content).hexdigest()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
            raise ScenarioError([Problem(Position(source, line, column), "", "not UTF-8")]) from None
        return self.extended(parse_yaml(text, source, self.parsed), "")

    def _check_file(self, source: Source, named_at: Position, path: str) -> int:
        """The size of a readable regular file; anything else is the mistake of whoever named it."""
        assert source.path is not None
        try:
            status = source.path.stat()
            if stat.S_ISREG(status.st_mode):
                with source.path.open("rb"):
                    return status.st_size
            what = "is a directory" if stat.S_ISDIR(status.st_mode) else "is not a regular file"
        except FileNotFoundError:
            what = "no such file"
        except (OSError, ValueError) as error:
            what = (getattr(error, "strerror", None) or str(error)).lower()
        message = what if named_at.source is source else f"{source.shown}: {what}"
        raise ScenarioError([Problem(named_at, path, message)])

    def extended(self, node: Node, path: str) -> Node:
        """`node` with every `extends` below it replaced by the merged mapping."""
        if isinstance(node.value, list):
            items = [self.extended(child, f"{path}[{i}]") for i, child in enumerate(node.value)]
            return Node(node.position, items)
        if not isinstance(node.value, dict):
            return node
        children = {key: self.extended(child, f"{path}.{key}" if path else key) for key, child in node.value.items()}
        base_node = children.pop(EXTENDS, None)
        own = Node(node.position, children, {key: at for key, at in node.keys.items() if key != EXTENDS})
        if base_node is None:
            return own
        where = f"{path}.{EXTENDS}" if path else EXTENDS
        if not isinstance(base_node.value, str):
            raise ScenarioError([Problem(base_node.position, where, "expected the path of a YAML file")])
        base = self.load_reference(base_node, where)
        if not isinstance(base.value, dict):
            message = f"{base.position.source.shown}: not a mapping, cannot be extended"
            raise ScenarioError([Problem(base_node.position, where, message)])
        return merge(base, own)


def merge(base: Node, over: Node) -> Node:
    """`over` over `base`, both mappings, mapping by mapping. What is changed does not keep its source."""
    result = Node(over.position, dict(base.value), dict(base.keys), base.instead_of)
    for key, child in over.value.items():
        below = base.value.get(key)
        if below is not None and isinstance(below.value, dict) and isinstance(child.value, dict):
            kinds = [node.value["kind"].value for node in (below, child) if "kind" in node.value]
            if len(set(map(str, kinds))) < 2:
                child = merge(below, child)  # noqa: PLW2901
        child.put_over(below)
        result.value[key] = child
        result.keys[key] = over.keys[key]
    if PROVENANCE in base.value:
        own = over.value.get(PROVENANCE)
        said = own.value if own is not None and isinstance(own.value, dict) else ()
        mark_changed(result, list(differences(base, over, "")), said)
    return result
