"""Addresses in the C engine: bits go where the mapping says, however it cuts and shuffles the fields."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.dram import PRESETS, AddressMapping, Controller
from cosim.models.dram.rules import COMMANDS

pytestmark = pytest.mark.c_library


@st.composite
def mappings(draw):
    """(preset, mapping): each field in up to three pieces, in any order."""
    preset = draw(st.sampled_from(list(PRESETS.values()))).with_ranks(draw(st.sampled_from([1, 2])))
    pieces = []
    for name, bits in preset.geometry.field_bits().items():
        cuts = sorted({0, bits, *draw(st.lists(st.integers(0, bits), max_size=2))})
        pieces += [f"{name}:{high - low}" for low, high in pairwise(cuts)] or [name]
    return preset, AddressMapping.of(tuple(draw(st.permutations(pieces))), preset.geometry)


@given(mappings(), st.data())
def test_commands_go_where_the_mapping_says(case, data):
    """Red for: pieces that forget how many bits came before."""
    preset, mapping = case
    bursts = preset.geometry.channel_bytes // preset.geometry.burst_bytes
    addresses = [
        64 * each for each in data.draw(st.lists(st.integers(0, bursts - 1), min_size=1, max_size=8, unique=True))
    ]
    replay = Controller(preset, mapping).replay(
        np.array(addresses, np.uint64), np.zeros(len(addresses), np.uint8), observe=True
    )
    told = [
        {"rank": rank, "group": group, "bank": bank, "row": row, "column": column}
        for _, kind, group, bank, row, column, rank in replay.commands.tolist()
        if COMMANDS[kind] == "RD"
    ]
    assert sorted(map(str, told)) == sorted(
        str({name: mapping.decode(address)[name] for name in told[0]}) for address in addresses
    )
