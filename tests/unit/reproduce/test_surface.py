"""Plots of a surface: gains, intervals, bounds and what is published."""

import math

from cosim.models.reproduce.surface import surface


def test_a_surface_has_its_points_its_bounds_and_what_is_published():
    def row(density, weight, gain):
        reach = {"gain_least": gain / 2, "gain_greatest": gain * 2}
        bound = 1 / (density * weight)
        return {"input": density, "weight": weight, "coarse": 0.0, "bound": bound, "gain": gain, **reach}

    svg = surface("title <1>", [row(1.0, 1.0, 1.0), row(0.1, 1.0, 4.0), row(1.0, 0.1, 3.0), row(0.1, 0.1, 9.0)], [50.0])
    assert svg.count("<circle") == 4
    assert svg.count("stroke-dasharray") == 2
    assert "title &lt;1&gt;" in svg
    assert "published: 50 x" in svg
    assert "input 10 %, weights 10 %: 9 x</title>" in svg
    # Logarithmic: the lowest end, 0.5 / 1.15, is at the floor, the bound of 100, times 1.4, on top.
    assert f'y2="{84 + 260 * math.log(140 / 18) / math.log(140 * 1.15 / 0.5):.1f}"' in svg
