import hashlib

import pytest

from cosim.scenario import tree
from cosim.scenario.errors import ScenarioError, Source
from cosim.scenario.files import Files, merge
from cosim.scenario.tree import _parsed as parsed
from cosim.scenario.tree import parse_yaml


def merged(base, over):
    return merge(parse_yaml(base, Source("base")), parse_yaml(over, Source("over"))).plain()


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ("{a: 1, b: 2}", "{b: 3}", {"a": 1, "b": 3}),
        ("{a: {x: 1, y: 2}}", "{a: {y: 3}}", {"a": {"x": 1, "y": 3}}),
        ("{a: [1, 2]}", "{a: [3]}", {"a": [3]}),
        ("{a: {x: 1}}", "{a: 3}", {"a": 3}),
        ("{a: {x: 1}}", "{a: null}", {"a": None}),
        ("{a: 3}", "{a: {x: 1}}", {"a": {"x": 1}}),
        ("{a: {kind: p, x: 1}}", "{a: {kind: q, y: 2}}", {"a": {"kind": "q", "y": 2}}),
        ("{a: {kind: p, x: 1}}", "{a: {kind: p, y: 2}}", {"a": {"kind": "p", "x": 1, "y": 2}}),
        ("{a: {kind: p, x: 1}}", "{a: {x: 2}}", {"a": {"kind": "p", "x": 2}}),
    ],
)
def test_merge(base, over, result):
    assert merged(base, over) == result


def test_extends_is_relative_to_its_file_and_keeps_places(tmp_path):
    (tmp_path / "sub/deep").mkdir(parents=True)
    (tmp_path / "sub/deep/base.yaml").write_text("x: 1\ny:\n  z: 2\n")
    (tmp_path / "sub/mid.yaml").write_text("extends: deep/base.yaml\ny:\n  w: 3\n")
    (tmp_path / "top.yaml").write_text("part:\n  extends: sub/mid.yaml\n  x: 9\nlist:\n  - {extends: sub/mid.yaml}\n")
    files = Files()
    root = files.load_root(tmp_path / "top.yaml")
    assert root.plain() == {
        "part": {"x": 9, "y": {"z": 2, "w": 3}},
        "list": [{"x": 1, "y": {"z": 2, "w": 3}}],
    }
    z = root.child("part").child("y").child("z")
    assert str(z.position) == f"{tmp_path}/sub/deep/base.yaml:3:6"
    assert (
        files.sha256[f"{tmp_path}/sub/mid.yaml"] == hashlib.sha256(b"extends: deep/base.yaml\ny:\n  w: 3\n").hexdigest()
    )


def test_a_byte_order_mark_is_no_content(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert Files().load_root(tmp_path / "a.yaml").plain() == {"a": 1}


def test_an_unreadable_file_is_a_problem_of_who_names_it(tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("x: 1\n")
    real = type(tmp_path).open

    def refuse(self, *arguments, **keywords):
        if self.name == "b.yaml":
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *arguments, **keywords)

    monkeypatch.setattr(type(tmp_path), "open", refuse)
    with pytest.raises(ScenarioError, match=r"a\.yaml:1:10: extends: .*b\.yaml: permission denied"):
        Files().load_root(tmp_path / "a.yaml")


def test_a_text_that_is_named_twice_is_parsed_once_and_makes_two_trees(tmp_path, monkeypatch):
    (tmp_path / "part.yaml").write_text("x: 1\n")
    (tmp_path / "copy.yaml").write_text("x: 1\n")
    (tmp_path / "top.yaml").write_text(
        "a: {extends: part.yaml, y: 2}\nb: {extends: part.yaml}\nc: {extends: copy.yaml}\n"
    )
    texts = []
    monkeypatch.setattr(tree, "_parsed", lambda text, source: texts.append(text) or parsed(text, source))
    root = Files().load_root(tmp_path / "top.yaml")
    assert root.plain() == {"a": {"x": 1, "y": 2}, "b": {"x": 1}, "c": {"x": 1}}
    assert texts.count("x: 1\n") == 1
    a, b, c = (root.value[name].value["x"] for name in "abc")
    assert (a is not b, b is not c) == (True, True)
    assert [node.position.source.shown.rpartition("/")[2] for node in (b, c)] == ["part.yaml", "copy.yaml"]
