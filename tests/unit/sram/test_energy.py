"""Energy of an access: CACTI's own rows, the rule between them, and what is refused."""

import pytest

from cosim.models.sram.energy import CELLS, SramEnergy
from cosim.models.sram.memory import MemoryConfig

KIB = 1024


@pytest.mark.parametrize(
    ("node_nm", "cell", "bits", "capacity_kib", "read_fj", "write_fj"),
    [
        (65, "hp", 64, 8, 8800, 11500),
        (65, "hp", 128, 256, 97400, 92400),
        (65, "lop", 128, 32, 19900, 22600),
        (65, "lstp", 256, 128, 136200, 165600),
        (28, "hp", 64, 64, 9600, 6400),
        (28, "lop", 256, 16, 4300, 5600),
        (28, "lstp", 64, 32, 6200, 5400),
        (28, "lstp", 128, 64, 14700, 13100),
        (28, "lstp", 256, 256, 49800, 46600),
    ],
)
def test_tabulated_memories_cost_what_the_table_says(node_nm, cell, bits, capacity_kib, read_fj, write_fj):
    energy = SramEnergy(capacity_kib * KIB, bits, node_nm, cell)
    assert (energy.read_fj, energy.write_fj) == (read_fj, write_fj)
    assert energy.source == (
        f"CACTI 7 (HewlettPackard/cacti 1ffd8dfb, 2017-06-19), own runs; {node_nm} nm {cell}, ITRS supply, 360 K"
    )


def test_between_the_rows_energy_is_linear_in_capacity_and_width():
    assert SramEnergy(24 * KIB, 64).read_fj == (4400 + 6200) // 2
    assert SramEnergy(32 * KIB, 96).read_fj == (6200 + 8600) // 2
    assert SramEnergy(24 * KIB, 96).read_fj == (4400 + 6200 + 6200 + 8600) // 4
    assert SramEnergy(8 * KIB + 1, 64).read_fj == 2600  # 8192ths of 1.8 pJ are below a half femtojoule


def test_below_the_smallest_row_its_value_stays():
    assert SramEnergy(512, 64).read_fj == SramEnergy(8 * KIB, 64).read_fj == 2600
    assert SramEnergy(8 * KIB, 16).write_fj == 3100


def test_every_table_is_complete_and_rises_with_capacity():
    for node_nm, cell in CELLS:
        reads = [SramEnergy(kib * KIB, 64, node_nm, cell).read_fj for kib in (8, 16, 32, 64, 128, 256)]
        assert reads == sorted(reads)


def test_leakage_where_it_is_tabulated():
    assert SramEnergy(32 * KIB, 64, 28, "lstp").leakage_nw == 9_000
    assert SramEnergy(80 * KIB, 64, 28, "lstp").leakage_nw == (9_000 + 35_000) // 2
    assert SramEnergy(256 * KIB, 64, 65, "lstp").leakage_nw == 79_000
    assert SramEnergy(1, 64, 65, "lstp").leakage_nw == 3_000
    assert SramEnergy(32 * KIB, 64, 28, "hp").leakage_nw is None


def test_a_memory_costs_what_one_of_its_banks_does():
    memory = MemoryConfig(words=8 * 2048, banks=8, word_bits=128)
    assert SramEnergy.of_bank(memory, 28, "lop") == SramEnergy(32 * KIB, 128, 28, "lop")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"node_nm": 45}, "45 nm lstp: no such table; there are 65 nm hp, 65 nm lop, 65 nm lstp, "),
        ({"word_bits": 257}, "word_bits 257: expected 1 to 256 at 28 nm lstp; build wider words of several "),
        ({"word_bits": 128, "cell": "hp"}, "word_bits 128: expected 1 to 64 at 28 nm hp; "),
        ({"capacity_bytes": 256 * KIB + 1}, "capacity_bytes 262145: expected 1 to 262144; build larger memories"),
        ({"capacity_bytes": 0}, "capacity_bytes 0: expected 1 to 262144; "),
    ],
)
def test_what_no_table_covers_is_refused(fields, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        SramEnergy(**{"capacity_bytes": 8 * KIB, "word_bits": 64, **fields})
