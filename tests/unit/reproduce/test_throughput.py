"""The algebra of skipping: one operand against the best two."""

import pytest

from cosim.models.reproduce.throughput import algebra, best_bounds, compare


def test_bounds_worked_out_by_hand():
    bounds = best_bounds(0.5, 0.1, 0.5, 0.5)
    # FF 0.5 / 0.05; BP 0.5 / min(0.05, 0.05, 0.25); WG 0.5 / min(0.25, 0.05, 0.05).
    assert [bounds[stage] for stage in ("ff", "bp", "wg", "total")] == pytest.approx([10, 10, 10, 10])
    # Batch normalisation: dense gradients; LNPU has nothing to skip in BP, output and weight are known.
    bounds = best_bounds(0.5, 0.1, 1.0, 0.5)
    assert bounds["bp"] == pytest.approx(1 / 0.05)
    assert bounds["total"] == pytest.approx((0.5 + 1 + 0.5) / (0.05 + 0.05 + 0.05))


def test_ff_needs_more_than_ninety_six_percent_zero_weights_for_thirty_times():
    for row in algebra(30.1):
        assert row["ff"] == 0.033
        assert best_bounds(row["input"], row["ff"], row["input"], row["input"])["ff"] >= 30.1
        assert best_bounds(row["input"], row["ff"] + 0.001, row["input"], row["input"])["ff"] < 30.1
    # The factor is the claim's, not the study's: 1 / 10.5, rounded down to a thousandth.
    assert {row["ff"] for row in algebra(10.5)} == {0.095}
    sparse = algebra(30.1)[-1]
    assert sparse["input"] == 0.1
    assert sparse["bp_batch_norm"] == pytest.approx(1 / (30.1 * 0.1), abs=0.001)
    assert sparse["total_batch_norm"] > sparse["ff"]


def test_ratios_are_of_sums_over_the_stages():
    mine = {"time_ps": 10, "macs": {"by_stage": {"ff": {"macs": 1, "cycles": 2}, "wg": {"macs": 9, "cycles": 8}}}}
    theirs = {"time_ps": 25, "macs": {"by_stage": {"ff": {"macs": 10, "cycles": 4}, "wg": {"macs": 10, "cycles": 16}}}}
    ratios = compare(mine, theirs)
    assert ratios["ff"] == {"bound": 10, "cores": 2}
    assert ratios["total"] == {"bound": 2, "cores": 2}
    assert ratios["simulated"] == 2.5
    assert "bp" not in ratios
