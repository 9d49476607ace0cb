import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.scenario.canonical import canonical_json, plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=5), below, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_reads_back_to_the_same(value):
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=6))
def test_the_order_of_keys_makes_no_difference(value):
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


def test_exact_bytes():
    assert canonical_json({"b": [1, 0.1], "a": "µ"}) == '{\n  "a": "µ",\n  "b": [\n    1,\n    0.1\n  ]\n}\n'.encode()
    assert canonical_json({"b": [1, 2], "a": None}, indent=None) == b'{"a":null,"b":[1,2]}\n'


def test_numpy_becomes_plain():
    value = {"a": np.int64(3), "b": np.array([[1, 2]]), "c": np.float32(0.1), "d": np.bool_(True), "e": (1,)}
    result = plain(value)
    assert result == {"a": 3, "b": [[1, 2]], "c": float(np.float32(0.1)), "d": True, "e": [1]}
    assert [type(result[key]) for key in "acd"] == [int, float, bool]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"a": [{"b": {1}}]}, TypeError, r"a\[0\]\.b: a set cannot go into a result"),
        ({"a": {1: 2}}, TypeError, r"a: key 1 is not text"),
        ({"a": math.nan}, ValueError, "a: nan has no place in JSON"),
        ({"a": np.array([math.inf])}, ValueError, r"a\[0\]: inf has no place"),
        (object(), TypeError, "value: a object cannot"),
    ],
)
def test_what_has_no_fixed_text_is_refused_by_place(value, error, message):
    with pytest.raises(error, match=message):
        plain(value)
