"""The pruning study: its page shows its results, and what they must show."""

import itertools
import math

import pytest

from studies.pruning import SCHEDULES, load
from studies.pruning_operations import NETWORKS, event, largest_share
from studies.pruning_report import COMPARED, FOCUS, PAGE, cases_of, filled, half_width, mean, points_below, tables


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


def test_half_widths_by_hand():
    """Differences of 1, 2, 3, 4 and 5 points: their standard deviation is the root of 2.5."""
    better = {seed: {"accuracy": 0.9} for seed in range(1, 6)}
    case = {seed: {"accuracy": 0.9 - seed / 100} for seed in range(1, 6)}
    assert points_below(case, better) == pytest.approx(3.0)
    assert half_width(case, better) == pytest.approx(2.776 * math.sqrt(2.5 / 5))
    assert half_width(better, case) == half_width(case, better)


def test_the_page_s_sentences_say_what_was_measured():
    cases, page = cases_of(load()), " ".join(PAGE.read_text().split())
    sparsities = (0.5, 0.8, 0.9, 0.95, 0.98)

    def of(name, other, sparsity=FOCUS):
        pair = cases[name, sparsity], cases[other, 0.0 if other == "dense" else sparsity]
        return points_below(*pair), half_width(*pair)

    def said(name, other, sparsity=FOCUS):
        return "{:.2f} ± {:.2f}".format(*of(name, other, sparsity))

    def carried(name, other):
        return [s for s in sparsities if abs(of(name, other, s)[0]) > of(name, other, s)[1]]

    coarse = mean(cases["scfp", FOCUS], "coarse_share_of_zeros")
    dense = mean(cases["dense", 0.0])
    lost = [of("scfp", "scfp without coarse", s)[0] for s in sparsities[1:]]
    for sentence in (
        f"At 90 % zeros, {100 * coarse:.0f} % of them",
        f"scfp is {said('scfp', 'cfp')} points below cfp and {said('scfp', 'dense')} below dense ({100 * dense:.2f} %)",
        f"do not exclude that it is {sum(of('scfp', 'cfp')):.2f} below cfp",
        f"by {said('random', 'dense')} points at 90 %",
        f"by {min(lost):.2f} to {max(lost):.2f} points",
        f"over gradual at 98 %, {said('gradual', 'scfp without coarse', 0.98)};",
        f"{said('scfp, sample 0.05, period 20', 'cfp')} points below cfp's",
        f"One image is {100 / 450:.2f} points",
        "Of 40 intervals two miss zero by chance alone",
    ):
        assert sentence in page, sentence
    assert (len(COMPARED) * len(sparsities), 0.05 * 40) == (40, 2.0)
    # What the sentences call shown and not shown.
    assert carried("scfp", "dense") == [0.9, 0.95, 0.98]
    assert carried("random", "dense") == [0.8, 0.9, 0.95, 0.98]
    peers = ("scfp", "cfp", "gradual", "scfp without coarse", "scfp without stochastic")
    assert not [pair for pair in itertools.combinations(peers, 2) if carried(*pair)]
    gaps = {(a, b, s): of(a, b, s)[0] for a, b in COMPARED for s in sparsities if {a, b} < set(peers)}
    assert max(gaps, key=lambda pair: abs(gaps[pair])) == ("gradual", "scfp without coarse", 0.98)
    assert {round(row["accuracy"] * 450, 6) % 1 for case in cases.values() for row in case.values()} == {0.0}


def test_shares_are_the_largest_that_save_as_much():
    layers = NETWORKS["ResNet-18"]
    share = largest_share(layers, "coarse")
    full = event(layers, 1.0).coarse
    assert event(layers, share).coarse <= 0.003 * full < event(layers, share + 0.001).coarse
    assert full == pytest.approx(4.07e9, rel=0.01)
