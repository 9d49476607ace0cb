"""Energy against values computed by hand from the data sheet currents."""

import pytest

from cosim.models.dram import Controller, EnergyTable, Stats, energy_fj, preset
from cosim.models.dram.rules import COMMANDS


def test_ddr4_table_by_hand():
    # VDD 1.2 V, 8 devices, tCK 0.833 ns; mA x V x ns = pJ.
    scale = 1200 * 8 * 833 / 1000
    table = EnergyTable.of(preset("ddr4_2400"))
    assert table == EnergyTable(
        activate_precharge_fj=round((48 * 56 - 43 * 39 - 34 * 17) * scale),
        read_fj=round((135 - 43) * 4 * scale),
        write_fj=round((123 - 43) * 4 * scale),
        refresh_fj=round((250 - 43) * 420 * scale),
        refresh_bank_fj=round((250 - 43) * 420 * scale) // 16,
        read_io_fj=0,
        write_io_fj=0,
        active_clock_fj=round(43 * scale),
        precharged_clock_fj=round(34 * scale),
    )
    assert table.activate_precharge_fj == 3_462_614


@pytest.mark.parametrize(
    ("name", "read_pj_per_bit", "io_pj_per_bit", "standby_mw"),
    [("ddr4_2400", 5.7, 0, 413), ("ddr3_1600", 13.9, 0, 456), ("lpddr4_3200", 5.3, 3.2, 2 * 37)],
)
def test_published_figures(name, read_pj_per_bit, io_pj_per_bit, standby_mw):
    device = preset(name)
    table = EnergyTable.of(device)
    assert table.read_fj / 512 / 1000 == pytest.approx(read_pj_per_bit, abs=0.06)
    assert table.read_io_fj / 512 / 1000 == pytest.approx(io_pj_per_bit, abs=0.06)
    assert table.active_clock_fj / device.t_ck_ps == pytest.approx(standby_mw, rel=0.01)


def test_parts_are_counts_times_the_table():
    device = preset("lpddr4_3200")
    table = EnergyTable.of(device)
    stats = Stats(1000, 600, 100, 300, dict(zip(COMMANDS, (3, 2, 1, 5, 7, 11, 13, 17, 19), strict=True)), 5, 7, 0, 0)
    assert energy_fj(device, stats) == {
        "activate_precharge": 3 * table.activate_precharge_fj,
        "read": (5 + 17) * table.read_fj,
        "write": (7 + 19) * table.write_fj,
        "refresh": 11 * table.refresh_fj + 13 * table.refresh_bank_fj,
        "background": 900 * table.active_clock_fj + 100 * table.precharged_clock_fj,
        "io": (5 + 17) * table.read_io_fj + (7 + 19) * table.write_io_fj,
    }


@pytest.mark.c_library
def test_one_read_by_hand():
    device = preset("ddr4_2400")
    controller = Controller(device)
    controller.submit(0, 0, 0, False)
    controller.advance(1000)
    table = EnergyTable.of(device)
    energy = energy_fj(device, controller.stats(1000))
    assert energy["background"] == table.precharged_clock_fj + 999 * table.active_clock_fj
    assert energy["activate_precharge"] == table.activate_precharge_fj
    assert energy["read"] == table.read_fj
    assert energy["write"] == energy["refresh"] == energy["io"] == 0
