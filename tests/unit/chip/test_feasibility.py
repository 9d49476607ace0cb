"""What does not fit a chip, found before the run, and worked out once for what is equal."""

import pytest
from helpers.chips import chip_spec

from cosim.models.chip import feasibility
from cosim.models.chip.feasibility import chip_misfits
from cosim.models.pruning import build_pruning
from cosim.models.pruning.schema import NoPruningSpec
from cosim.models.tensors import ConvShape
from cosim.models.workload import LayerInfo

FITS = ConvShape(n=1, c=16, h=8, w=8, k=16, r=3, s=3, pad=1)
WIDE = ConvShape(n=1, c=4, h=2, w=9000, k=8, r=1, s=1)
SMALL = ("core.input_memory.size=1 MiB", "core.weight_memory.size=1 MiB", "core.output_memory.size=16 KiB")


@pytest.fixture(autouse=True)
def fresh():
    feasibility._misfit.cache_clear()


def found(chip, *layers):
    infos = [LayerInfo(name, shape, has_bp=False) for name, shape in layers]
    schedule = build_pruning(NoPruningSpec(), dict(layers), 1, seed=1)
    return [
        (error.context["path"], error.context["message"].partition(",")[0])
        for error in chip_misfits(chip, infos, schedule, "chip")
    ]


def test_what_does_not_fit_is_said_once_for_each_memory_of_the_first_layer():
    place = ["chip", "core", "output_memory", "size"]
    assert found(chip_spec("pnpu", *SMALL), ("a", FITS), ("b", WIDE), ("c", WIDE)) == [(place, "layer 'b'")]
    assert found(chip_spec("pnpu", *SMALL), ("c", WIDE)) == [(place, "layer 'c'")]
    assert found(chip_spec("pnpu"), ("a", FITS)) == []


def test_layers_of_one_shape_and_chips_with_equal_cores_are_cut_once():
    chip = chip_spec("pnpu")
    found(chip, ("a", FITS), ("b", FITS))
    assert feasibility._misfit.cache_info().misses == 2  # FF and WG
    found(chip_spec("pnpu", "controller_cycles=7"), ("a", FITS))
    assert feasibility._misfit.cache_info().misses == 2
    found(chip_spec("pnpu", "core.group=4"), ("a", FITS))
    assert feasibility._misfit.cache_info().misses == 4
