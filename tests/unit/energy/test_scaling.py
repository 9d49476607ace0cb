"""Scaling between nodes and supplies: the published polynomials, exactly."""

from fractions import Fraction

import pytest

from cosim.models.energy import energy_factor


def test_values_worked_out_by_hand():
    # 65 nm at 0.78 V: 3.755 * 0.6084 - 4.398 * 0.78 + 1.975; 45 nm at 0.9 V: 1.103 * 0.81 - 0.362 * 0.9 + 0.2767.
    at_65, at_45 = Fraction("0.829102"), Fraction("0.844330")
    assert energy_factor(45, 900, 65, 780) == at_65 / at_45
    assert float(at_65 / at_45) == pytest.approx(0.98, abs=0.005)
    # Published ratios that follow: 65 nm at 1.1 V and at 1.2 V against 45 nm at 0.9 V; 0.78 V against 1.1 V at 65 nm.
    assert float(energy_factor(45, 900, 65, 1100)) == pytest.approx(1.99, abs=0.005)
    assert float(energy_factor(45, 900, 65, 1200)) == pytest.approx(2.49, abs=0.005)
    assert float(energy_factor(65, 1100, 65, 780)) == pytest.approx(0.49, abs=0.005)


@pytest.mark.parametrize("node", [65, 45, 32])
def test_nothing_changes_at_the_same_place_and_the_way_back_is_the_inverse(node):
    assert energy_factor(node, 800, node, 800) == 1
    assert energy_factor(node, 800, 65, 780) * energy_factor(65, 780, node, 800) == 1


@pytest.mark.parametrize(("node", "supply", "what"), [(40, 900, "no coefficients"), (65, 599, "supply of 599 mV")])
def test_what_the_fit_does_not_cover_is_refused(node, supply, what):
    with pytest.raises(ValueError, match=what):
        energy_factor(node, supply, 65, 780)
    with pytest.raises(ValueError, match=what):
        energy_factor(65, 780, node, supply)


def test_both_ends_of_the_supplies_are_covered():
    assert energy_factor(65, 600, 65, 1300) > 1
    with pytest.raises(ValueError, match="supply of 1301 mV"):
        energy_factor(65, 780, 65, 1301)
