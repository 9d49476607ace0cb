"""When events come, how much is due, and how the network's sparsity is shared out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cosim.models.pruning import PruningError, PruningSpec
from cosim.models.pruning.amount import Ramp, Rounds, build_ramp, build_rounds, final_sparsities, root, single_round
from cosim.models.tensors import ConvShape


def spec(**values):
    return TypeAdapter(PruningSpec).validate_python({"schedule": "gradual", "sparsity": 0.9} | values)


def linear(c, k):
    return ConvShape(n=1, c=c, h=1, w=1, k=k, r=1, s=1)


def test_events_come_every_period_after_the_beginning_and_at_the_end():
    ramp = Ramp(begin=10, end=17, period=3)
    assert [i for i in range(30) if ramp.is_event(i)] == [13, 16, 17]
    assert [ramp.number(i) for i in (13, 16, 17)] == [0, 1, 2]


def test_the_cubic():
    ramp = Ramp(begin=10, end=20, period=1)
    assert [ramp.fraction(i) for i in (0, 10, 15, 20, 99)] == [0.0, 0.0, 1 - 0.5**3, 1.0, 1.0]


@given(st.integers(0, 50), st.integers(1, 50), st.integers(1, 20))
def test_what_is_due_never_falls(begin, length, period):
    ramp = Ramp(begin, begin + length, period)
    due = [ramp.fraction(i) for i in range(begin + length + 5)]
    assert due == sorted(due)
    assert set(due) <= {v for v in due if 0 <= v <= 1}
    numbers = [ramp.number(i) for i in range(begin + length + 5) if ramp.is_event(i)]
    assert numbers == list(range(len(numbers)))


def test_a_ramp_in_shares_of_the_training():
    assert build_ramp(spec(begin=0.25, end=0.75, period=4), 100) == Ramp(25, 75, 4)
    # The last iteration there is.
    assert build_ramp(spec(begin=0.0, end=1.0), 10) == Ramp(0, 9, 1)
    with pytest.raises(PruningError, match=r"^1 iterations leave no room for pruning from 0\.1 to 0\.7$"):
        build_ramp(spec(), 1)


def test_the_others_make_up_for_layers_with_a_sparsity_of_their_own():
    layers = {"a": linear(10, 10), "b": linear(10, 20), "c": linear(10, 10)}
    final = final_sparsities(spec(sparsity=0.8, layers={"a": 0.5}), layers)
    assert final == pytest.approx({"a": 0.5, "b": 0.9, "c": 0.9})
    assert final_sparsities(spec(), layers) == pytest.approx(dict.fromkeys("abc", 0.9))
    everything = {"a": 0.1, "b": 0.2, "c": 0.3}
    assert final_sparsities(spec(layers=everything), layers) == everything


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"layers": {"z": 0.5}}, "pruning names layer 'z'; the network has: a, b"),
        (
            {"layers": {"a": 0.0}},
            "a sparsity of 0.9 is not possible: the layers without one of their own would need 1.800",
        ),
        (
            {"sparsity": 0.1, "layers": {"a": 1.0}},
            "a sparsity of 0.1 is not possible: the layers without one of their own would need -0.800",
        ),
    ],
)
def test_what_cannot_be_is_refused(values, message):
    with pytest.raises(PruningError) as raised:
        final_sparsities(spec(**values), {"a": linear(10, 10), "b": linear(10, 10)})
    assert str(raised.value) == message


def test_rounds_are_spread_evenly_from_begin_to_end():
    rounds = build_rounds(spec(schedule="magnitude", begin=0.25, end=0.75, rounds=3), 100)
    assert rounds == Rounds((25, 50, 75))
    assert [i for i in range(100) if rounds.is_event(i)] == [25, 50, 75]
    assert build_rounds(spec(schedule="magnitude", begin=0.25, end=1.0, rounds=1), 100) == Rounds((99,))
    with pytest.raises(PruningError, match=r"^4 iterations leave no room for 5 rounds from 0\.1 to 0\.7$"):
        build_rounds(spec(schedule="magnitude"), 4)


def test_each_round_keeps_the_same_share_of_what_is_left():
    rounds = Rounds((2, 5, 9))
    assert [rounds.sparsity(i, 0.875) for i in (1, 2, 4, 5, 9, 50)] == pytest.approx([0, 0.5, 0.5, 0.75, 0.875, 0.875])
    assert rounds.sparsity(9, 0.9) == 0.9  # the last one exactly


def test_a_single_round_is_the_last_iteration_at_the_latest():
    assert single_round(0.5, 10) == Rounds((5,))
    assert single_round(1.0, 10) == Rounds((9,))


@given(st.floats(0.0, 1.0), st.integers(1, 8))
def test_the_root(value, degree):
    assert root(value, degree) ** degree == pytest.approx(value, abs=1e-12)
