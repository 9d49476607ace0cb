"""What the training says of itself: losses, sparsity, accuracy beside the iteration it belongs to."""

from types import SimpleNamespace
from typing import Any, cast

from cosim.models.chip.training import Curve
from cosim.models.workload import Iteration, Workload


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
