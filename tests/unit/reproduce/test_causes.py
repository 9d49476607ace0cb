"""Why a gain is not met: from its split, with what no interval covers."""

from cosim.models.reproduce.causes import gain_cause


def found(*gains):
    parts = {"NoC": 44.0, "operand fetch": 34.0, "MAC": 22.0}
    return {
        "published": [{"value": 30.0}],
        "found": {
            "calibration": {"on": 3.0},
            "sparse_point": {"fj_per_nominal_mac": parts, "macs_ratio": 100.0},
            "without": [{"part": part, "gain": gain} for part, gain in zip(parts, gains, strict=False)],
            "others": [
                {"chip": "three", "macs_ratio": 250.0, "gain": 6.2, "tops_per_watt": 18.6},
                {"chip": "alike", "macs_ratio": 105.0, "gain": 5.0, "tops_per_watt": 15.0},
            ],
        },
    }


def test_parts_are_named_until_the_gain_is_there():
    said = gain_cause(found(9.0, 12.0), 0)
    assert "above all NoC 44 %, operand fetch 34 %" in said
    assert "it takes 2 of 3 until the gain reaches 10.0 x: NoC, operand fetch." in said
    assert "no multicast" in said
    assert "most of the network's 44 %" in said


def test_what_stays_out_of_reach_is_said_of_these_zeros_and_a_third_operand_is_looked_at():
    said = gain_cause(found(9.0, 9.5), 0)
    assert "stays below 10.0 x, for zeros independent of each other in this layer: 100.0 x fewer" in said
    assert "three (output skipped as well in BP and WG; no source says so) executes 250 x fewer" in said
    assert "alike" not in said
    assert "no multicast" in said
