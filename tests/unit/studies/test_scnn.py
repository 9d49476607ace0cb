"""The masks of the study of SCNN: their densities, how their channels differ, and that both chips run them."""

from statistics import mean

import numpy as np
import pytest
from helpers.published import published, scnn_table

from cosim.models.core.chip_file import load_chip
from cosim.models.tensors import ConvShape
from cosim.models.workload.schema import ChannelsSpec, PlanesSpec
from studies.planes import unevenness
from studies.scnn import NETWORKS, ROOT, WAYS, Row, Way, cycles, draw, main, read_rows, speed_ups

ROW = Row("layer", ConvShape(n=1, c=256, h=16, w=16, k=64, r=3, s=3, pad=1), 0.4, 0.3)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_masks_have_the_layers_densities(way):
    operands = draw(ROW, way, seed=3)
    for mask, density in ((operands.x, 0.4), (operands.w, 0.3)):
        assert mask.count() / np.prod(mask.shape) == pytest.approx(density, abs=0.01)


def test_channels_differ_as_measured_and_not_by_themselves():
    ways = (Way(), Way(ChannelsSpec()))
    by_channel = [draw(ROW, way, seed=3).x.to_bool().mean(axis=(0, 1, 2)) for way in ways]
    # A binomial of 256 elements, and 0.59 of the largest variance, 0.4 * 0.6.
    assert by_channel[0].std() == pytest.approx((0.24 / 256) ** 0.5, rel=0.15)
    assert by_channel[1].std() == pytest.approx((0.59 * 0.24) ** 0.5, rel=0.15)


def test_the_dense_chip_takes_the_same_time_for_all_masks():
    row = ROW._replace(shape=ConvShape(n=1, c=16, h=8, w=8, k=8, r=3, s=3, pad=1))
    dcnn = load_chip(ROOT / "scenarios/chips/dcnn.yaml")
    assert cycles(dcnn, [row], Way(), 1) == cycles(dcnn, [row], Way(ChannelsSpec(), PlanesSpec()), 2)
    assert cycles(load_chip(ROOT / "scenarios/chips/scnn.yaml"), [row], Way(), 1) > 0


def test_planes_move_inputs_only_and_leave_their_counts():
    apart, clumped = (draw(ROW, way, seed=3) for way in (Way(ChannelsSpec()), Way(ChannelsSpec(), PlanesSpec())))
    before, after = apart.x.to_bool(), clumped.x.to_bool()
    assert (before.sum(axis=(1, 2)) == after.sum(axis=(1, 2))).all()
    assert unevenness(after[0], 8).common > 0.005 > unevenness(before[0], 8).common
    assert (apart.w.to_bool() == clumped.w.to_bool()).all()


def test_layers_of_a_file_and_a_file_that_is_not_there(tmp_path, capsys):
    file = tmp_path / "layers.csv"
    file.write_text("layer,R,S,P,Q,C,K,dW,dI\nVGG_a,3,3,14,14,8,16,0.25,0.5\n")
    (row,) = read_rows(file)
    assert row == Row("VGG_a", ConvShape(n=1, c=8, h=14, w=14, k=16, r=3, s=3, pad=1), 0.5, 0.25)
    assert (row.shape.p, row.shape.q) == (14, 14)
    assert main([str(tmp_path / "none.csv")]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("network", NETWORKS)
def test_differences_of_the_documentation_are_those_of_its_speed_ups(network):
    row = scnn_table()[network]
    assert float(row[0]) == NETWORKS[network][1]
    assert len(row) == 1 + 2 * len(WAYS)
    for speed_up, difference in zip(row[1::2], row[2::2], strict=True):
        low, high = (100 * ((float(speed_up) + half) / float(row[0]) - 1) for half in (-0.005, 0.005))
        rounding = 0.5 / 10 ** decimals(difference)
        assert low - rounding <= float(difference.removesuffix(" %")) <= high + rounding


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("file", [published("scnn_layer_densities.csv", slow=True)])
def test_speed_ups_are_what_the_documentation_says(file, network, way):
    found = speed_ups(layers_of(file, network), WAYS[way])
    speed_up, difference = cells(network, way)
    assert speed_up == f"{mean(found):.2f}"
    assert difference == f"{100 * (mean(found) / NETWORKS[network][1] - 1):+.{decimals(difference)}f} %"
    assert found == pytest.approx([mean(found)] * len(found), rel=0.015)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("file", [published("scnn_layer_densities.csv")])
def test_one_seed_of_the_smallest_network_is_within_what_the_documentation_says(file, way):
    (found,) = speed_ups(layers_of(file, "AlexNet"), WAYS[way], seeds=[1])
    assert found == pytest.approx(float(cells("AlexNet", way)[0]), rel=0.015)


def layers_of(file, network):
    return [row for row in read_rows(file) if row.name.startswith(NETWORKS[network][0])]


def cells(network, way):
    """The speed-up, and how far it is from the published one."""
    first = 1 + 2 * list(WAYS).index(way)
    return scnn_table()[network][first : first + 2]


def decimals(percent):
    """As many as are written: "+12 %" has none, "+11.5 %" one."""
    return len(percent.removesuffix(" %").partition(".")[2])
