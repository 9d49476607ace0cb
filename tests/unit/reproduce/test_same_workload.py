"""The same work on two chips: whose energies are compared, and what is in no interval."""

import pytest
from helpers.chips import SCENARIOS

from cosim.models.reproduce import load_claims
from cosim.models.reproduce.record import AssumedValue
from cosim.models.reproduce.same_workload import SameWorkload
from cosim.models.reproduce.schema import SameWorkloadStudy
from cosim.models.reproduce.workers import run_points


@pytest.fixture(scope="module")
def run():
    """The shipped study, of one epoch and a small layer, with one early and one late assumption."""
    own = load_claims(SCENARIOS / "reproduce", ["same_workload"])["same_workload"].study
    chips = {
        "pnpu": {
            "core.window": AssumedValue(value=16, low=8, reason="less"),
            "dma.request": AssumedValue(value="64 B", high="256 B", late=True, reason="more"),
        },
        "lnpu": {},
    }
    training = own.training
    few = training.simulate.model_copy(update={"every": 1000})
    training = training.model_copy(
        update={"workload": training.workload.model_copy(update={"epochs": 1}), "simulate": few}
    )
    study = SameWorkloadStudy.model_construct(
        **{
            **dict(own),
            "training": training,
            "layer": own.layer.model_copy(update={"c": 8, "h": 6, "w": 6, "k": 8}),
            "record": own.record.model_copy(update={"chips": chips, "schedules": {"scfp": {}}}),
        }
    )
    one = SameWorkload(study, 1)
    return one, run_points(dict.fromkeys(one.points()))


@pytest.fixture(scope="module")
def found(run):
    one, results = run
    return one.evaluate(results)


def test_ratios_are_of_the_energies_of_the_same_work(run, found):
    one, _ = run
    training, layer = found["rows"]
    assert (training["name"], layer["name"]) == ("training", "layer at the sparse point")
    for row in found["rows"]:
        mine, theirs = row["tops_per_watt"]
        assert row["ratio"] == pytest.approx(mine / theirs)
        assert (
            row["reach_least"] <= row["ratio_least"] <= row["ratio"] <= row["ratio_greatest"] <= row["reach_greatest"]
        )
    with pytest.raises(ValueError, match="no same workload"):
        one._two([{"counts": {}, "macs": {"dense": 1}}, {"counts": {}, "macs": {"dense": 2}}])


def test_the_calibration_does_not_cancel_between_two_chips(found):
    quotients = {row["calibrated_ratio"] / row["ratio"] for row in found["rows"]}
    (first, second) = quotients if len(quotients) == 2 else (*quotients, *quotients)
    assert first == pytest.approx(second)  # one factor a chip, whatever the workload
    assert first != pytest.approx(1)
    for row in found["rows"]:
        assert 1 < row["calibrated_ratio_with_dram"] < row["calibrated_ratio"]  # DRAM's energy is nearly the same


def test_late_assumptions_move_no_interval(found):
    for sensitivity, row in zip(found["sensitivities"], found["rows"], strict=True):
        assert {one["parameter"] for one in sensitivity["apart"]} == {"dma.request"}
        assert {one["parameter"] for one in sensitivity["rows"] if "energy" not in one["parameter"]} == {"core.window"}
        assert row["reach_greatest"] > row["reach_least"]
