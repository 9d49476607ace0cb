"""Which iterations are simulated, for how many others each stands, and what the training says of itself."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.chip.training import Curve, choose_iterations
from cosim.models.workload import Iteration, Workload


def never(_):
    return False


@pytest.mark.parametrize(
    ("total", "every", "expected"),
    [
        (0, 3, {}),
        (1, 3, {0: 1}),
        (4, 1, {0: 1, 1: 1, 2: 1, 3: 1}),
        (6, 3, {1: 3, 4: 3}),
        (7, 3, {1: 3, 4: 3, 6: 1}),  # a last one that is left over stands for itself
        (8, 4, {2: 4, 6: 4}),  # of an even number, the later of the two in the middle
        (3, 100, {1: 3}),
    ],
)
def test_the_middle_one_of_each_part_stands_for_it(total, every, expected):
    assert choose_iterations(total, every, never) == expected


def test_iterations_with_pruning_events_are_a_stratum_of_their_own():
    events = {2, 3, 7, 9}
    chosen = choose_iterations(10, 3, events.__contains__)
    # Without: 0 1 4 | 5 6 8. With: 2 3 7 | 9.
    assert chosen == {1: 3, 3: 3, 6: 3, 9: 1}
    assert list(chosen) == sorted(chosen)


@given(st.integers(0, 60), st.integers(1, 70), st.sets(st.integers(0, 59)))
def test_the_weights_of_each_stratum_sum_to_it(total, every, events):
    chosen = choose_iterations(total, every, events.__contains__)
    for stratum in (True, False):
        members = [index for index in range(total) if (index in events) is stratum]
        weights = [weight for index, weight in chosen.items() if (index in events) is stratum]
        assert sum(weights) == len(members)
        assert len(weights) == -(-len(members) // every)
        assert max(weights, default=0) <= every


class Accuracies:
    """A workload of which only the accuracy is asked: one that tells how many iterations have run."""

    def __init__(self) -> None:
        self.ran = 0

    def evaluate(self) -> float:
        return self.ran / 10

    def run(self, curve: Curve, epochs: list[int]) -> None:
        for index, epoch in enumerate(epochs):
            self.ran = index + 1
            shares: dict[str, Any] = {"loss": 1.0, "zero_weight_share": 0.0, "coarse_zero_share": 0.0}
            curve.add(cast(Iteration, SimpleNamespace(index=index, epoch=epoch, prune_events=(), **shares)))


def test_an_accuracy_stands_beside_the_iteration_after_which_it_was_measured():
    workload = Accuracies()
    curve = Curve(cast(Workload, workload))
    workload.run(curve, [0, 0, 1, 1, 1, 2, 2])
    assert curve.summary()["accuracy"] == 0.7
    measured = [(row["iteration"], row["accuracy"]) for row in curve.rows if "accuracy" in row]
    assert measured == [(2, 0.3), (5, 0.6), (6, 0.7)]


def test_a_training_of_no_iterations_has_an_accuracy_and_no_rows():
    curve = Curve(cast(Workload, Accuracies()))
    assert curve.summary()["accuracy"] == 0.0
    assert curve.rows == []
