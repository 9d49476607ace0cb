"""A piece of a training on chips and by schedules with other assumptions: who is changed, and what is compared."""

import pytest
from helpers.chips import SCENARIOS

from cosim.models.reproduce import load_claims, training_variants
from cosim.models.reproduce.pruning import Pruning
from cosim.models.reproduce.record import AssumedValue
from cosim.models.reproduce.schema import PruningStudy
from cosim.models.reproduce.training_variants import EPOCHS, shortened
from cosim.models.reproduce.workers import run_points


@pytest.fixture(scope="module")
def study():
    """The shipped one, of a single epoch, with two assumptions of the chips and one of the schedule."""
    claim = load_claims(SCENARIOS / "reproduce", ["pruning"])["pruning"]
    own = claim.study

    def short(training):
        return training.model_copy(update={"workload": training.workload.model_copy(update={"epochs": 1})})

    chips = {
        "pnpu": {
            "core.weight_memory.ports": AssumedValue(value=2, low=1, reason="fewer"),
            "storage.weights": AssumedValue(value="bitmap", alternatives=("dense",), reason="other"),
        },
        "pnpu_separate": {"pruning_unit.shared": AssumedValue(value=False, alternatives=(True,), reason="other")},
    }
    schedules = {"scfp": {"sample": AssumedValue(value=0.05, high=0.25, reason="more")}}
    record = own.record.model_copy(update={"chips": chips, "schedules": schedules})
    varied = short(own.varied)
    few = varied.simulate.model_copy(update={"every": 1000})
    return PruningStudy.model_construct(
        **{
            **dict(own),
            "training": short(own.training).model_copy(update={"simulate": few}),
            "varied": varied.model_copy(update={"simulate": few}),
            "full": short(own.full).model_copy(update={"simulate": few}),
            "record": record,
        }
    )


@pytest.fixture(scope="module")
def found(study):
    run = Pruning(study, 1)
    points = list(dict.fromkeys(run.points()))
    # The three trainings, each chip with its variants, and one other schedule.
    assert len(points) == 6
    return run.evaluate(run_points(points))


def test_a_training_is_cut_to_a_few_epochs_and_two_iterations(study):
    assert shortened(study.varied).workload.epochs == 1
    long = load_claims(SCENARIOS / "reproduce", ["pruning"])["pruning"].study.varied
    assert shortened(long).workload.epochs == EPOCHS < long.workload.epochs
    assert shortened(long).simulate.every == training_variants.EVERY


def rows(found, of):
    (one,) = (one for one in found["sensitivities"] if one["of"] == of)
    return {(row["parameter"], row["value"]): row["number"] for row in one["rows"]}, one["nominal"]


def test_computation_depends_on_the_schedule_fine_pruning_not_even_on_that(found):
    coarse, nominal = rows(found, "pruning computation saved, coarse")
    assert list(coarse) == [("schedule.sample", "0.25")]
    assert coarse["schedule.sample", "0.25"] < nominal
    assert rows(found, "pruning computation saved, fine") == ({("schedule.sample", "0.25"): 0.0}, 0.0)


def test_accesses_are_compared_between_a_shared_and_a_separate_unit(found):
    removed, nominal = rows(found, "weight-memory accesses for pruning removed")
    assert nominal == 100
    assert removed == {
        ("core.weight_memory.ports", "1"): 100,
        ("storage.weights", "dense"): 100,
        ("schedule.sample", "0.25"): 100,
        ("pruning_unit.shared", "yes"): None,  # both share: nobody reads
    }


def test_energy_that_sharing_saves_is_of_what_is_done_and_hangs_on_energies_too(found):
    saved, nominal = rows(found, "energy of the chip saved by sharing")
    assert saved["pruning_unit.shared", "yes"] == pytest.approx(0.0, abs=1e-12)
    assert saved["energy of sram", "low"] != nominal != saved["energy of sram", "high"]
    assert saved["energy of mac.fp8", "high"] < nominal  # the same saving, of more
    assert {parameter for parameter, _ in saved} >= {"energy of compare", "schedule.sample", "storage.weights"}


def test_what_is_simulated_is_said(found):
    simulated = found["simulated"]
    assert simulated["iterations"] > simulated["iterations_simulated"]
    assert set(found["energy_saved"]) == {"done", "by_time", "time_percent"}


def test_the_full_algorithm_prunes_in_events_of_its_own(found):
    full = found["full"]
    assert 0 < full["training"]["events"] < found["training"]["events"]
    for part in ("coarse", "total"):
        own, same = full["operations"][part], found["operations"][part]
        assert own["done"] == same["done"]
        assert own["all_pairs"] < same["all_pairs"]
        assert own["left_percent"] == pytest.approx(100 - own["fewer_percent"])


def test_more_channels_than_the_buffer_holds_twice_are_fetched(found):
    """conv3 has 64 channels of 288 weights: 28 of them fit 8 KiB, so that a third pass is needed."""
    assert found["shared"]["coverage_percent"] == 100
    assert 50 < found["full"]["shared"]["coverage_percent"] < 100
