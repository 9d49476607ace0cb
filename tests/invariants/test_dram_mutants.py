"""Rows of the timing tables gone wrong: the laws of DRAM, which do not read the rows, see each of them.

A controller is given a table with one row changed or taken out; on dense traffic the commands then break the law named
beside it, and with the row right they keep it.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from invariants import test_dram as laws

from cosim.models.dram import PRESETS, SCHEDULERS
from cosim.models.dram.presets import Preset

pytestmark = pytest.mark.c_library


@dataclass(frozen=True)
class Mutant(Preset):
    """A preset whose table has rows of a name and preceding command changed; its timings stay right."""

    name_of_row: str = ""
    pair: tuple[str, str] = ("", "")
    clocks: int | None = None
    window: int = 1

    def rules(self):
        changed = []
        for row in super().rules():
            if (row.name, row.preceding, row.following) != (self.name_of_row, *self.pair):
                changed.append(row)
            elif self.clocks is not None:
                changed.append(row._replace(clocks=row.clocks + self.clocks, window=max(row.window, self.window)))
        return tuple(changed)


def mutate(device, row, preceding, following, clocks, window=1):
    values = {field.name: getattr(device, field.name) for field in fields(Preset)}
    return Mutant(**values, name_of_row=row, pair=(preceding, following), clocks=clocks, window=window)


def dense(device, mapping, count=500):
    """Requests (gap, address, is_write) over all banks and three rows, now and then a pause; at the end, read after
    write in one row, alone, so that a refresh comes right after the late column command."""
    random = np.random.default_rng(5)
    geometry, encode = device.geometry, device.mapping(mapping).encode
    limits = {"row": 3, "bank": geometry.banks_per_group, "group": geometry.groups, "column": 8}
    crowd = [
        (
            int(random.choice([0] * 12 + [25, 35, 60, 150])),
            encode({name: int(random.integers(limit)) for name, limit in limits.items()}),
            bool(random.random() < 0.3),
        )
        for _ in range(count)
    ]
    written, read = encode({"column": 0}), encode({"column": 1})
    return crowd + [(97, written, True), (3, read, False)] * 100


LESS = -1  # a clock less than the row says
OUT = None  # the row is taken out


@pytest.mark.parametrize(
    ("law", "mutation", "page"),
    [
        pytest.param(law, mutation, page, id="-".join(map(str, mutation)))
        for law, mutation, page in (
            (laws.test_02_03_05_distances_from_an_act, ("tRCD", "ACT", "RD", LESS), "open"),
            (laws.test_02_03_05_distances_from_an_act, ("tRAS", "ACT", "PRE", LESS), "open"),
            (laws.test_04_06_07_distances_around_a_precharge, ("tRP", "PRE", "ACT", LESS), "open"),
            (laws.test_04_06_07_distances_around_a_precharge, ("tRTP", "RD", "PRE", LESS), "open"),
            (laws.test_04_06_07_distances_around_a_precharge, ("tWR", "WR", "PRE", LESS), "open"),
            (laws.test_04_06_07_distances_around_a_precharge, ("tWR", "WRA", "ACT", LESS), "closed"),
            (laws.test_08_09_activates_of_a_rank, ("tRRD_S", "ACT", "ACT", LESS), "open"),
            (laws.test_08_09_activates_of_a_rank, ("tFAW", "ACT", "ACT", LESS), "open"),
            (laws.test_08_09_activates_of_a_rank, ("tFAW", "ACT", "ACT", 0, 5), "open"),
            (laws.test_10_11_column_commands_of_a_rank, ("tWTR_S", "WR", "RD", LESS), "open"),
            (laws.test_10_11_column_commands_of_a_rank, ("tRTW", "RD", "WR", LESS), "open"),
            (laws.test_14_nothing_in_a_refresh_and_all_precharged_before_it, ("tRFC", "REF", "ACT", LESS), "open"),
            (laws.test_14_nothing_in_a_refresh_and_all_precharged_before_it, ("tRTP", "RDA", "REF", OUT), "closed"),
            (laws.test_14_nothing_in_a_refresh_and_all_precharged_before_it, ("tWR", "WRA", "REF", OUT), "closed"),
        )
    ],
)
def test_a_wrong_row_breaks_its_law(law, mutation, page):
    device = PRESETS["ddr4_2400"]
    device = device.with_timing(tREFI=device.timing["tRFC"] + 60 * device.geometry.banks)
    scheduler = replace(SCHEDULERS["fr-fcfs"], page=page)
    judge = law.hypothesis.inner_test
    requests = dense(device, "m2")
    judge(laws.drive(device, "m2", scheduler, requests))
    with pytest.raises(AssertionError):
        judge(laws.drive(mutate(device, *mutation), "m2", scheduler, requests))
