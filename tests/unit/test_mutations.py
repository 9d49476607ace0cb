"""The list of mistakes to plant in the C library fits the library as it is: nothing else looks at it every day."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def mutate_c():
    spec = importlib.util.spec_from_file_location("mutate_c", ROOT / "tools" / "mutate_c.py")
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks for its module by name.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "mutate_c", module)
        spec.loader.exec_module(module)
    return module


def test_what_a_mistake_replaces_is_there_once(mutate_c):
    found = {m: (ROOT / "csrc" / m.file).read_text().count(m.old) for m in mutate_c.MUTATIONS}
    assert [f"{m.file}: {count} times {m.old!r}" for m, count in found.items() if count != 1] == []


def test_the_tests_that_must_notice_are_there(mutate_c):
    for test in sorted({test for m in mutate_c.MUTATIONS for test in m.tests.split()}):
        file, _, name = test.partition("::")
        text = (ROOT / file).read_text()
        assert not name or re.search(rf"^def {name}\(", text, re.MULTILINE), test


def test_no_mistake_is_planted_twice(mutate_c):
    planted = [(m.file, m.old, m.new) for m in mutate_c.MUTATIONS]
    assert len(set(planted)) == len(planted)
