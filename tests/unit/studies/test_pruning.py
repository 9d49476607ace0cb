"""The pruning study: its page shows its results, and what they must show."""

import pytest

from studies.pruning import SCHEDULES, load
from studies.pruning_operations import NETWORKS, event, largest_share
from studies.pruning_report import FOCUS, PAGE, cases_of, filled, mean, points_below, tables


def test_the_page_shows_the_results_that_lie_beside_it():
    page = PAGE.read_text()
    assert filled(page, tables(load())) == page


def test_every_schedule_was_trained_at_every_sparsity_with_every_seed():
    cases = cases_of(load())
    sparsities = {sparsity for name, sparsity in cases if name == "scfp"}
    assert sparsities == {0.5, 0.8, 0.9, 0.95, 0.98}
    assert {(name, sparsity) for name in SCHEDULES for sparsity in sparsities} < set(cases)


def test_scfp_costs_no_more_accuracy_than_it_may():
    """At 90 % zeros, half of them coarse, within 0.7 points of cfp and of dense, paired over five seeds."""
    cases = cases_of(load())
    scfp = cases["scfp", FOCUS]
    assert min(row["zeros"] for row in scfp.values()) >= 0.9 - 1e-4
    assert mean(scfp, "coarse_share_of_zeros") >= 0.5
    assert points_below(scfp, cases["cfp", FOCUS]) <= 0.7
    assert points_below(scfp, cases["dense", 0.0]) <= 0.7


def test_shares_are_the_largest_that_save_as_much():
    layers = NETWORKS["ResNet-18"]
    share = largest_share(layers, "coarse")
    full = event(layers, 1.0).coarse
    assert event(layers, share).coarse <= 0.003 * full < event(layers, share + 0.001).coarse
    assert full == pytest.approx(4.07e9, rel=0.01)
