"""Rows, expressions, presets and mappings: the data that controller and checker share."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.dram import PRESETS, STANDARDS, AddressMapping, Geometry, preset
from cosim.models.dram.rules import Rule, evaluate, resolve


@pytest.mark.parametrize(
    ("expression", "value"), [("7", 7), ("a", 2), ("a + b", 5), ("a - b + 1", 0), ("2 * b - (a + 1)", 3)]
)
def test_expressions(expression, value):
    assert evaluate(expression, {"a": 2, "b": 3}) == value


@pytest.mark.parametrize("expression", ["a / b", "f(a)", "1.5", "a if b else 1", "-a", "'a'", "a +", "a b", "", "True"])
def test_other_expressions_are_refused(expression):
    with pytest.raises(ValueError, match=r"expected names and integers joined by \+ - \*$"):
        evaluate(expression, {"a": 2, "b": 3})


def test_an_unknown_timing_is_named():
    with pytest.raises(KeyError, match=r"'WL . tRWT': no timing is called 'tRWT'"):
        evaluate("WL + tRWT", {"WL": 1})


@pytest.mark.parametrize("row", [Rule("x", "chip", "ACT", "RD", "1"), Rule("x", "bank", "ACT", "NOP", "1")])
def test_a_row_of_an_unknown_scope_or_command_is_refused(row):
    with pytest.raises(ValueError, match="expected a scope of"):
        resolve([row], {})


# From the standards' tables: the distances that are sums.
@pytest.mark.parametrize(
    ("name", "write_to_read", "write_to_precharge", "auto_precharge_to_act"),
    [
        ("ddr4_2400", {19, 25}, 34, (26, 51)),
        ("ddr3_1600", {18}, 24, (17, 35)),
        ("lpddr4_3200", {43}, 54, (41, 81)),
    ],
)
def test_command_distances(name, write_to_read, write_to_precharge, auto_precharge_to_act):
    rules = [rule for rule in preset(name).rules() if rule.scope != "other rank"]

    def distances(preceding, following):
        return {rule.clocks for rule in rules if (rule.preceding, rule.following) == (preceding, following)}

    for write in ("WR", "WRA"):
        for read in ("RD", "RDA"):
            assert distances(write, read) == write_to_read
    assert distances("WR", "PRE") == {write_to_precharge}
    assert (distances("RDA", "ACT"), distances("WRA", "ACT")) == tuple({clocks} for clocks in auto_precharge_to_act)
    assert distances("RDA", "PRE") == distances("WRA", "PREA") == set()


@pytest.mark.parametrize(
    ("name", "distances"),
    [
        ("ddr4_2400", {"RD-RD": 6, "WR-WR": 6, "RD-WR": 11, "WR-RD": 1}),
        ("ddr3_1600", {"RD-RD": 6, "WR-WR": 6, "RD-WR": 9, "WR-RD": 3}),
        # The read's data comes so late that nothing has to wait.
        ("lpddr4_3200", {"RD-RD": 10, "WR-WR": 10, "RD-WR": 27, "WR-RD": 0}),
    ],
)
def test_bursts_of_two_ranks_leave_two_clocks_between_them(name, distances):
    rules = [rule for rule in preset(name).rules() if rule.scope == "other rank"]
    assert {
        f"{r.preceding}-{r.following}": r.clocks for r in rules if "A" not in r.preceding + r.following
    } == distances


@pytest.mark.parametrize("device", PRESETS.values(), ids=PRESETS)
def test_presets_are_consistent(device):
    timing = device.timing
    assert timing["tRC"] >= timing["tRAS"] + timing["tRP"]
    assert timing["tRFC"] < timing["tREFI"]
    assert {rule.name for rule in device.rules()} <= set(timing)
    # The data bus is busy without a gap at tCCD_S, and RD to WR leaves it free in time.
    assert timing["tCCD_S"] == timing["BL_CK"]
    assert timing["RL"] + timing["BL_CK"] - timing["WL"] <= timing["tRTW"]
    assert device.geometry.channel_bytes == 1 << sum(device.geometry.field_bits().values()) + 6


def test_peak_bandwidth():
    for name, mb_per_s in (("ddr4_2400", 19207), ("ddr3_1600", 12800), ("lpddr4_3200", 12800)):
        device = preset(name)
        assert device.geometry.burst_bytes * 10**6 // (device.timing["BL_CK"] * device.t_ck_ps) == mb_per_s


def test_unknown_names_are_told_with_the_known_ones():
    with pytest.raises(KeyError, match="no DRAM preset 'ddr5'; there are ddr4_2400, ddr3_1600, lpddr4_3200"):
        preset("ddr5")
    with pytest.raises(KeyError, match="ddr4_2400: no address mapping 'm9'; there are m1, m2"):
        preset("ddr4_2400").mapping("m9")
    with pytest.raises(KeyError, match="ddr4_2400: no timing 'tPPD'"):
        preset("ddr4_2400").with_timing(tPPD=4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timing": {"tRP": -1}}, "ddr4_2400: tRP -1: expected 0 clocks or more"),
        ({"standard": "DDR6"}, "ddr4_2400: no standard 'DDR6'; there are DDR3, DDR4, LPDDR4"),
        ({"geometry": Geometry(8, 8, 1024, 128, 64)}, "ddr4_2400: 64 banks: expected at most 32 in all ranks"),
    ],
)
def test_a_device_that_cannot_be_is_named(changes, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        replace(preset("ddr4_2400"), **changes)


def test_every_standard_has_a_preset():
    assert {device.standard for device in PRESETS.values()} == set(STANDARDS)


@given(st.sampled_from(list(PRESETS.values())), st.data())
def test_mappings_are_bijections(device, data):
    geometry = device.geometry
    mapping = device.mapping(data.draw(st.sampled_from(sorted(device.mappings))))
    line = data.draw(st.integers(0, geometry.channel_bytes // 64 - 1))
    fields = mapping.decode(line * 64 + data.draw(st.integers(0, 63)))
    assert mapping.encode(fields) == line * 64
    assert fields["row"] < geometry.rows
    assert fields["column"] < geometry.columns
    assert fields["bank"] < geometry.banks_per_group
    assert fields["group"] < geometry.groups


def test_a_field_may_be_split():
    geometry = Geometry(groups=2, banks_per_group=2, rows=4, columns=8, burst_bytes=64)
    mapping = AddressMapping.of(("row", "column:2", "bank", "group", "column:1"), geometry)
    # row 10, column 11, bank 0, group 1, column 0
    assert mapping.decode(0b10_11_0_1_0 << 6) == {"row": 2, "column": 6, "bank": 0, "group": 1, "rank": 0}


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (("row", "bank", "column"), "group has 1 address bits, 0 are mapped"),
        (("row", "bank", "group", "column:2"), "column has 3 address bits, 2 are mapped"),
        (("row", "bank", "grp", "column"), "'grp': expected one of column, bank, group, row, rank"),
        (("row", "bank", "group", "column:x"), "'column:x': expected one of"),
    ],
)
def test_a_mapping_covers_the_geometry(order, message):
    geometry = Geometry(groups=2, banks_per_group=2, rows=4, columns=8, burst_bytes=64)
    with pytest.raises(ValueError, match=message):
        AddressMapping.of(order, geometry)


def test_sizes_are_powers_of_two():
    with pytest.raises(ValueError, match="rows: expected a power of two, got 3"):
        Geometry(groups=1, banks_per_group=2, rows=3, columns=8, burst_bytes=64).field_bits()


def test_addresses_outside_the_channel_are_refused():
    mapping = preset("lpddr4_3200").mapping("m1")
    with pytest.raises(ValueError, match="address 0x40000000 is outside the channel"):
        mapping.decode(1 << 30)
    with pytest.raises(ValueError, match="too large for the mapping"):
        mapping.encode({"row": 1 << 15})
