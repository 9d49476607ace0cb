"""What a memory file may say, and the shipped ones."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from cosim import Simulator
from cosim.models.chip.system import build_memory
from cosim.models.dram import BankRoundRobin
from cosim.models.dram.presets import PRESETS
from cosim.models.dram.spec import MemorySpec
from cosim.scenario import load_component

MEMORIES = Path(__file__).parents[3] / "scenarios" / "memories"


@pytest.mark.parametrize("file", sorted(MEMORIES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_shipped_files_load(file):
    spec = load_component(file, MemorySpec)
    assert spec.device is PRESETS[spec.preset]
    assert spec.ideal is (file.stem == "ideal")


def test_what_is_left_out():
    spec = MemorySpec(preset="ddr4_2400")
    assert (spec.mapping, spec.scheduler, spec.channels, spec.ideal) == ("m1", "fr-fcfs", 1, False)
    assert spec.t_ck_ps == PRESETS["ddr4_2400"].t_ck_ps


def test_another_clock():
    assert MemorySpec(preset="ddr4_2400", t_ck=1000).t_ck_ps == 1000
    assert MemorySpec(preset="ddr4_2400", t_ck=1).t_ck_ps == 1
    with pytest.raises(ValidationError, match=r"must be at least 1 ps"):
        MemorySpec(preset="ddr4_2400", t_ck=0)
    with pytest.raises(ValidationError, match=r"must be at most 1 ms"):
        MemorySpec(preset="ddr4_2400", t_ck=10**9 + 1)


@pytest.mark.c_library
@pytest.mark.parametrize("t_ck_ps", [1, 10**9])
def test_a_chip_can_have_the_fastest_and_the_slowest_clock(t_ck_ps):
    """Also one of twice the period, with which runs are compared."""
    spec = MemorySpec(preset="ddr4_2400", t_ck=t_ck_ps)
    for slower in (spec, spec.model_copy(update={"t_ck": 2 * t_ck_ps})):
        _, (controller,) = build_memory(Simulator(), "memory", slower)
        assert controller.stats(0).commands["ACT"] == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"preset": "ddr5"}, r"unknown preset 'ddr5'; there are ddr3_1600, ddr4_2400, lpddr4_3200"),
        ({"mapping": "m9"}, r"ddr4_2400 has no mapping 'm9'; there are m1, m2"),
        (
            {"scheduler": "fcfs"},
            r"unknown scheduler 'fcfs'; there are bank-round-robin, fr-fcfs, fr-fcfs-ramulator1",
        ),
        ({"ranks": 3}, r"expected a power of two, and at most 32 banks, of which a rank has 16"),
        ({"ranks": 4}, r"expected a power of two, and at most 32 banks, of which a rank has 16"),
        ({"refresh": "per-bank"}, r"DDR4 has no per-bank refresh"),
        ({"page": "shut"}, r"Input should be 'open' or 'closed'"),
        ({"channels": 0}, r"greater than or equal to 1"),
        ({"channels": 17}, r"less than or equal to 16"),
    ],
)
def test_what_there_is_not(wrong, message):
    with pytest.raises(ValidationError, match=message):
        MemorySpec(**{"preset": "ddr4_2400", **wrong})


def test_ranks_page_and_refresh():
    spec = MemorySpec(preset="lpddr4_3200", ranks=2, page="closed", refresh="per-bank", scheduler="bank-round-robin")
    assert spec.device.geometry.ranks == 2
    assert spec.device.geometry.channel_bytes == 2 * PRESETS["lpddr4_3200"].geometry.channel_bytes
    assert spec.policy == BankRoundRobin(page="closed", refresh="per-bank")


def test_as_many_channels_as_allowed():
    assert MemorySpec(preset="ddr4_2400", channels=16).channels == 16
