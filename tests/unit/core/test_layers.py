"""Files of layers: every way to give zeros, what is drawn, and mistakes named by file, line and column."""

import base64
import json

import numpy as np
import pytest

from cosim.models.core.layers import MaskSpec, read_layers, stage_operands
from cosim.models.numerics.streams import Stream
from cosim.models.tensors import BitTensor, ConvShape, Stage
from cosim.scenario import ScenarioError


def write(tmp_path, layers, name="layers.json"):
    path = tmp_path / name
    path.write_text(layers if isinstance(layers, str) else json.dumps(layers, indent=1))
    return path


def problems(path, **options):
    with pytest.raises(ScenarioError) as caught:
        read_layers(path, **options)
    return [str(problem).removeprefix(f"{path.parent}/") for problem in caught.value.problems]


SHAPE = {"c": 3, "h": 2, "w": 2, "k": 2}
X = np.array([1, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1], dtype=bool).reshape(1, 2, 2, 3)
W = np.array([1, 0, 1, 0, 0, 1], dtype=bool).reshape(2, 1, 1, 3)


def test_the_ways_to_give_a_mask_agree(tmp_path):
    np.savez(tmp_path / "masks.npz", x=X * -0.5, w=W.reshape(-1))
    packed = base64.b64encode(np.packbits(X.reshape(-1), bitorder="little")).decode()
    ways = {
        "flat": {"x": X.reshape(-1).astype(int).tolist(), "w": {"bits": W.astype(int).tolist()}},
        "nested": {"x": X.astype(int).tolist(), "w": W.astype(int).tolist()},
        "packed": {"x": {"base64": packed}, "w": W.astype(int).tolist()},
        "archive": {"x": {"npz": "masks.npz", "array": "x"}, "w": {"npz": "masks.npz", "array": "w"}},
    }
    layers = read_layers(write(tmp_path, {name: {"shape": SHAPE, **given} for name, given in ways.items()}))
    assert [layer.name for layer in layers] == list(ways)
    for layer in layers:
        assert layer.shape == ConvShape(n=1, c=3, h=2, w=2, k=2, r=1, s=1)
        assert list(layer.operands) == [Stage.FF]
        assert layer.operands[Stage.FF].x == BitTensor.from_bool(X)
        assert layer.operands[Stage.FF].w == BitTensor.from_bool(W)


def test_what_is_given_decides_which_stages_run(tmp_path):
    full = {"shape": SHAPE, "x": 0.5, "w": 0.5, "dy": 1.0}
    path = write(tmp_path, {"all": full, "own": full | {"dx_needed": 1}, "wg": {"shape": SHAPE, "x": 0.5, "dy": 0.5}})
    every, own, wg = read_layers(path)
    assert list(every.operands) == list(Stage)
    x, w = every.operands[Stage.FF].x, every.operands[Stage.FF].w
    assert every.operands[Stage.BP].output_needed == x  # the ReLU in front
    assert every.operands[Stage.WG].output_needed == w  # pruned weights are not trained
    assert own.operands[Stage.BP].output_needed.count() == 12
    assert list(wg.operands) == [Stage.WG]
    assert wg.operands[Stage.WG].output_needed is None
    assert stage_operands() == {}


def test_drawn_masks_have_their_densities_and_depend_on_seed_and_names_only(tmp_path):
    big = {"shape": {"c": 64, "h": 32, "w": 32, "k": 64}, "x": 0.25, "w": 0.5}
    path = write(tmp_path, {"a": big, "b": big})
    a, b = read_layers(path, seed=3)
    assert abs(a.operands[Stage.FF].x.count() / 65536 - 0.25) < 0.01
    assert abs(a.operands[Stage.FF].w.count() / 4096 - 0.5) < 0.03
    assert a.operands[Stage.FF].x != b.operands[Stage.FF].x
    (again,) = read_layers(path, seed=3, only="b")
    assert again.operands[Stage.FF].x == b.operands[Stage.FF].x
    assert read_layers(path, seed=4)[0].operands[Stage.FF].x != a.operands[Stage.FF].x
    (dense,) = read_layers(path, only="a", density=1.0)
    assert dense.operands[Stage.FF].x.count() == 65536


def test_densities_zero_and_one_are_exact():
    for density in (0.0, 1.0):
        mask = MaskSpec(density=density, coarse=0.5).draw((64, 3, 3, 64), Stream(1, "x"))
        assert mask.mean() == density


@pytest.mark.parametrize("coarse", [0.0, 0.5, 1.0])
def test_the_coarse_share_of_the_zeros_lies_in_units(coarse):
    mask = MaskSpec(density=0.3, coarse=coarse, unit=(4, 8)).draw((64, 3, 3, 64), Stream(2, "x"))
    assert abs(mask.mean() - 0.3) < 0.05
    units = ~mask.reshape(16, 4, 3, 3, 8, 8).any(axis=(1, 5))
    assert abs(units.mean() - 0.7 * coarse) < 0.05
    if coarse == 1.0:
        assert (~mask).sum() == units.sum() * 32


def test_units_at_the_edge_are_cut_off():
    mask = MaskSpec(density=0.0, coarse=1.0, unit=(4, 4)).draw((5, 1, 1, 7), Stream(2, "x"))
    assert mask.shape == (5, 1, 1, 7)
    assert not mask.any()


def test_counts_per_channel_are_exact(tmp_path):
    counts = {"C": 3, "M": 4, "E": 2, "F": 3, "nnz_iact_per_channel": [6, 0, 2], "nnz_weight_per_channel": [1, 4, 0]}
    (layer,) = read_layers(write(tmp_path, {"L": counts | {"dense_macs": 72, "published_cycles": 6}}))
    operands = layer.operands[Stage.FF]
    assert operands.x.to_bool().sum(axis=(0, 1, 2)).tolist() == [6, 0, 2]
    assert operands.w.to_bool().sum(axis=(0, 1, 2)).tolist() == [1, 4, 0]
    assert layer.published_cycles == 6
    assert layer.shape == ConvShape(n=1, c=3, h=2, w=3, k=4, r=1, s=1)


def test_a_csv_of_densities(tmp_path):
    path = write(
        tmp_path, "layer,R,S,P,Q,C,K,dense_MACs,dW,dI\nL1,3,3,8,6,4,5,0,1,0\nL2,1,1,2,2,3,3,0,0.5,1.0\n", "l.csv"
    )
    one, two = read_layers(path)
    assert one.shape == ConvShape(n=1, c=4, h=8, w=6, k=5, r=3, s=3, pad=1)
    assert (one.shape.p, one.shape.q) == (8, 6)
    assert one.operands[Stage.FF].w.count() == 5 * 9 * 4
    assert one.operands[Stage.FF].x.count() == 0
    assert two.shape.pad == 0
    assert str(two.place) == f"{path}:3:1"


def test_mistakes_are_all_named_with_their_places(tmp_path):
    path = write(
        tmp_path,
        """{"a": {"shape": {"c": 3, "h": 2, "w": 2, "k": 2, "strid": 2}, "x": 0.5, "w": 0.5},
  "b": {"shape": {"c": 3, "k": 2}, "x": 1.5, "w": 0.5},
  "c": {"shape": {"c": 3, "k": 2, "r": 3, "s": 3}, "x": 0.5, "w": 0.5},
  "d": {"shape": {"c": 3, "k": 2}, "x": {"densty": 0.5}, "w": {"density": 0.5, "bits": [1]}},
  "e": {"shape": {"c": 3, "k": 2}, "w": 0.5},
  "f": 3,
  "g": {"C": 2, "M": 1, "E": 1, "F": 1, "nnz_iact_per_channel": [1, 2], "nnz_weight_per_channel": [1]}}""",
    )
    assert problems(path) == [
        "layers.json:1:50: a.shape.strid: unknown key; did you mean 'stride'?",
        "layers.json:2:41: b.x: must be at most 1.0, got 1.5",
        "layers.json:3:18: c.shape: a 3x3 filter leaves no output of a 1x1 input",
        "layers.json:4:42: d.x.densty: unknown key; did you mean 'density'?",
        "layers.json:4:63: d.w: expected one of density, per_channel, bits, base64, npz, got density and bits",
        "layers.json:5:8: e: expected at least two of x, w and dy",
        "layers.json:6:8: f: expected a layer: a mapping with shape, x, w, dy",
        "layers.json:7:69: g.nnz_iact_per_channel[1]: at most 1 are possible, got 2",
    ]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1, 0], "1:56: L.x: bits: expected the shape (1, 2, 2, 3), got (2,)"),
        ([2] * 12, "1:56: L.x: bits: expected 0 and 1 only"),
        ([[1], [1, 0]], "1:56: L.x: bits: rows of different lengths"),
        ({"base64": "AAA="}, None),
        ({"base64": "AA=="}, "1:56: L.x: base64: expected 2 bytes for (1, 2, 2, 3), got 1"),
        ({"base64": "?"}, "1:56: L.x: base64: only base64 data is allowed"),
        ({"per_channel": [1, 2]}, "1:56: L.x: per_channel: expected 3 counts, got 2"),
        ({"per_channel": [1, 2, 5]}, "1:56: L.x: per_channel: at most 4 are possible, got 5"),
        ({"npz": "m.npz", "array": "y"}, "1:56: L.x: m.npz: no array 'y'; known: x"),
        ({"npz": "m.npz"}, "1:56: L.x: npz and array go together"),
        ({"npz": "no.npz", "array": "y"}, "1:64: L.x.npz: no.npz: no such file"),
        ({"npz": "l.json", "array": "y"}, "1:56: L.x: l.json: not a NumPy archive"),
        ({"per_channel": [1, 2, 3], "coarse": 0.5}, "1:93: L.x.coarse: goes with density only"),
    ],
)
def test_masks_that_do_not_fit(tmp_path, x, message):
    np.savez(tmp_path / "m.npz", x=X)
    path = write(tmp_path, json.dumps({"L": {"shape": SHAPE, "x": x, "w": 0.5}}), "l.json")
    if message is None:
        read_layers(path)
    else:
        (problem,) = problems(path)
        assert problem.replace(f"{tmp_path}/", "").startswith(f"l.json:{message}"), problem


def test_a_csv_with_mistakes(tmp_path):
    head = "layer,R,S,P,Q,C,K,dW,dI\n"
    assert problems(write(tmp_path, head.replace("dW", "dw"), "a.csv")) == [
        "a.csv:1:1: no column 'dW'; did you mean 'dw'?"
    ]
    rows = "A,3,5,8,8,4,4,1,1\nB,1,1,0,8,4,4,1,1\nC,1,1,8,8,4,4,1.5,1\nD,1,1,8,8,4,4,1,x\n"
    assert problems(write(tmp_path, head + rows, "b.csv")) == [
        "b.csv:2:1: A: R, S: expected a square filter of odd size, got 3 x 5",
        "b.csv:3:1: B: P: expected a whole number of at least 1, got '0'",
        "b.csv:4:1: C: dW: expected a density from 0 to 1, got '1.5'",
        "b.csv:5:1: D: could not convert string to float: 'x'",
    ]


def test_a_pattern_that_no_layer_has(tmp_path):
    path = write(tmp_path, {"conv1": {"shape": SHAPE, "x": 1, "w": 1}})
    assert problems(path, only="conv2") == ["layers.json: no layer 'conv2'; did you mean 'conv1'?"]


@pytest.mark.parametrize("text", ["[]", "{}", "3"])
def test_a_file_that_is_no_mapping_of_layers(tmp_path, text):
    assert problems(write(tmp_path, text)) == ["layers.json:1:1: expected a mapping of names to what they stand for"]
