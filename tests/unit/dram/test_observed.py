"""A controller that keeps its commands tells the checker all that there is to judge."""

import pytest

from cosim.models.dram import Command, Controller, preset
from cosim.models.dram.observed import ObservedController

pytestmark = pytest.mark.c_library


def test_what_an_observed_controller_did_is_told_whole():
    device = preset("ddr4_2400").with_ranks(2)
    address = {"rank": 1, "row": 5, "group": 2, "bank": 3, "column": 7}
    observed = ObservedController(Controller(device))
    assert observed.submit(0, 9, device.mapping("m1").encode(address), False)
    assert observed.next() == 1
    assert observed.process(60) == [9]
    place = {"group": 2, "bank": 3, "row": 5, "rank": 1}
    assert observed.commands == [Command(1, "ACT", **place), Command(18, "RD", **place, column=7)]
    observed.process(2 * 9360)
    assert observed.commands[2:4] == [Command(4680, "REF"), Command(9360, "PREA", rank=1)]
