"""Plots of a surface: gains, intervals, bounds and what is published."""

import math
import re

from cosim.models.reproduce.surface import surface


def test_a_surface_has_its_points_its_bounds_and_what_is_published():
    def row(density, weight, gain):
        reach = {"gain_least": gain / 2, "gain_greatest": gain * 2}
        bound = 1 / (density * weight)
        return {"input": density, "weight": weight, "coarse": 0.0, "inverse_density": bound, "gain": gain, **reach}

    svg = surface(
        "title <1>",
        [row(1.0, 1.0, 1.0), row(0.1, 1.0, 4.0), row(1.0, 0.1, 3.0), row(0.1, 0.1, 9.0)],
        [("157 <TOPS/W>", 50.0)],
    )
    assert svg.count("<circle") == 4
    assert svg.count("stroke-dasharray") == 2
    assert "title &lt;1&gt;" in svg
    assert "157 &lt;TOPS/W&gt;: 50 x" in svg
    assert "input 10 %, weights 10 %: 9 x</title>" in svg
    # Logarithmic: the lowest end, 0.5 / 1.15, is at the floor, the bound of 100, times 1.4, on top.
    assert f'y2="{102 + 260 * math.log(140 / 18) / math.log(140 * 1.15 / 0.5):.1f}"' in svg


def test_every_text_is_within_the_picture():
    rows = [
        {
            "input": at,
            "weight": 1.0,
            "coarse": 0.0,
            "inverse_density": 1 / at,
            "gain": 2.0,
            "gain_least": 1.0,
            "gain_greatest": 3.0,
        }
        for at in (1.0, 0.1)
    ]
    svg = surface("Energy gain of LNPU over sparsity", rows, [("25.3 TFLOPS/W (from memory)", 7.3)])
    width = float(re.search(r'viewBox="0 0 (\d+)', svg)[1])
    found = re.findall(r'<text x="([\d.]+)"[^>]*?(text-anchor="\w+")?>([^<]*)</text>', svg)
    assert len(found) > 8
    for x, anchor, text in found:
        if not anchor:
            assert float(x) + 5.9 * len(text) < width, text  # 12 px sans-serif: less than 6 px a letter
