"""Throughput in the overview: the claim's training, and the fastest of the others."""

from cosim.models.reproduce.causes import throughput_cause
from cosim.models.reproduce.report_throughput import throughput_rows
from cosim.models.reproduce.variants import by_influence

PUBLISHED = [{"value": 10.0, "unit": "times", "from_memory": False}]


def training(name, simulated, bound=5.0):
    return {"name": name, "simulated": simulated, "total": {"bound": bound}}


def found(*trainings, moved=(1.0,)):
    rows = [("a", at, number) for at, number in enumerate(moved)]
    return {"trainings": list(trainings), "sensitivities": [by_influence(rows, "throughput", "x", 1.0)]}


def test_the_interval_is_of_the_claims_training_alone():
    first, other = throughput_rows(
        "t", PUBLISHED, found(training("mine", 2.0), training("other", 4.0), moved=(0.5, 1.5))
    )
    assert (first.claim, first.simulated, first.least, first.greatest, first.ratio) == ("t: mine", 2.0, 1.0, 3.0, 0.2)
    assert first.verdict.kind == "miss"
    assert first.verdict.text == "miss: published is 3.3 x the interval's upper end; bound: 5 x"
    assert (other.simulated, other.least, other.greatest) == (4.0, None, None)
    assert other.verdict.text == "miss: published is 2.5 x as much; bound: 5 x; nothing varied"


def test_what_is_reached_is_said():
    rows = throughput_rows("t", PUBLISHED, found(training("mine", 2.0), training("a", 3.0), training("b", 11.0)))
    assert [row.verdict.kind for row in rows] == ["miss", "reached"]
    assert "fastest of the other workloads, b" in rows[1].claim
    (one,) = throughput_rows("t", PUBLISHED, found(training("mine", 2.0), moved=(6.0,)))
    assert one.verdict.kind == "inside"
    (one,) = throughput_rows("t", PUBLISHED, found(training("mine", 10.0)))
    assert one.verdict.kind == "reached"


def test_the_cause_is_given_once():
    assert throughput_cause({}, 1) == "As for the first workload."
