"""Files of layers: every way to give zeros, what is drawn, and mistakes named by file, line and column."""

import base64
import io
import json
import zipfile

import numpy as np
import pytest

from cosim.models.core.layers import read_layers, stage_operands
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
        ({"npz": "l.json", "array": "y"}, "1:56: L.x: l.json: not a NumPy archive, or damaged"),
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
        "b.csv:5:1: D: dI: expected a density from 0 to 1, got 'x'",
    ]


def test_a_pattern_that_no_layer_has(tmp_path):
    path = write(tmp_path, {"conv1": {"shape": SHAPE, "x": 1, "w": 1}})
    assert problems(path, only="conv2") == ["layers.json: no layer 'conv2'; did you mean 'conv1'?"]


@pytest.mark.parametrize("text", ["[]", "{}", "3"])
def test_a_file_that_is_no_mapping_of_layers(tmp_path, text):
    assert problems(write(tmp_path, text)) == [
        "layers.json:1:1: expected a mapping: layers by their names, each with shape and two of x, w, dy"
    ]


def of_header(shape, descr, data=b""):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": descr, "fortran_order": False, "shape": shape})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x.npy", content.getvalue() + data)
    return archive.getvalue()


def saved(array, save=np.savez):
    content = io.BytesIO()
    save(content, x=array)
    return content.getvalue()


SOUND = saved(X)
PACKED = saved(np.random.default_rng(0).integers(0, 2, 12), np.savez_compressed)
NO_NUMBERS = "array 'x': expected booleans, integers or finite numbers"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "m.npz: not a NumPy archive, or damaged"),
        (b"PK\x03\x04" + bytes(100), "m.npz: not a NumPy archive, or damaged"),
        (SOUND[: len(SOUND) // 2], "m.npz: not a NumPy archive, or damaged"),
        (SOUND[:170] + bytes([SOUND[170] ^ 1]) + SOUND[171:], "m.npz: array 'x' is damaged: "),
        (PACKED[:60] + b"\xff" * 10 + PACKED[70:], "m.npz: array 'x' is damaged: "),
        (of_header((10**13,), "|b1"), "m.npz: array 'x' is damaged: x: 10000000000000 bytes should follow its header"),
        (of_header((10**30,), "|b1"), "m.npz: array 'x' is damaged: x: 1000000000000000000000000000000 bytes should"),
        (of_header((-1,), "|b1"), "m.npz: array 'x' is damaged: x: -1 bytes should follow its header, but 0 do"),
        (of_header((12,), "|b1", bytes(5)), "m.npz: array 'x' is damaged: x: 12 bytes should follow its header"),
        (saved(np.array([None] * 12)), "m.npz: array 'x' is damaged: object arrays are pickled"),
        (saved(np.zeros(70_000)), "array 'x': 560128 bytes are too many for 12 elements"),
        (saved(np.zeros(12, dtype=[("a", "i4")])), NO_NUMBERS),
        (saved(np.array(["a"] * 12)), NO_NUMBERS),
        (saved(np.zeros(12, dtype="M8[s]")), NO_NUMBERS),
        (saved(np.zeros(12, dtype=complex)), NO_NUMBERS),
        (saved(np.full(12, np.nan)), NO_NUMBERS),
        (saved(np.full(12, np.inf)), NO_NUMBERS),
        (saved(np.ones(11)), "array 'x': expected the shape (1, 2, 2, 3), got (11,)"),
    ],
)
def test_archives_that_are_no_masks(tmp_path, content, message):
    (tmp_path / "m.npz").write_bytes(content)
    path = write(tmp_path, {"L": {"shape": SHAPE, "x": {"npz": "m.npz", "array": "x"}, "w": 0.5}})
    (problem,) = problems(path)
    assert problem.partition(": L.x: ")[2].startswith(message), problem


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f8", ">f4"])
def test_every_kind_of_number_is_a_mask(tmp_path, dtype):
    (tmp_path / "m.npz").write_bytes(saved(X.astype(dtype)))
    path = write(tmp_path, {"L": {"shape": SHAPE, "x": {"npz": "m.npz", "array": "x"}, "w": 0.5}})
    assert read_layers(path)[0].operands[Stage.FF].x == BitTensor.from_bool(X)


HEAD = "layer,R,S,P,Q,C,K,dW,dI\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "1:1: no column 'layer'; none is known here"),
        (HEAD.replace("dI", "dI,dI") + "A,3,3,4,4,8,8,1,1,0\n", "1:1: column 'dI' twice"),
        (HEAD + "A,3,3,4\n", "2:1: expected 9 cells, one of each column, got 4"),
        (HEAD + "A,3,3,4,4,8,8,1,1,9\n", "2:1: expected 9 cells, one of each column, got 10"),
        (HEAD + '"A,3,3,4,4,8,8,1,1\n', "2:1: not CSV: unexpected end of data"),
        (HEAD + "A" * 200_000 + ",3,3,4,4,8,8,1,1\n", "2:1: not CSV: field larger than field limit (131072)"),
        (HEAD + "A,3,3,4,4,8,8,1,1\n\nA,1,1,4,4,8,8,1,1\n", "4:1: A: there is a layer of this name at l.csv:2:1"),
        (HEAD + ",3,3,4,4,8,8,1,1\n", "2:1: expected a name of printable characters"),
        (HEAD + "A\0,3,3,4,4,8,8,1,1\n", "2:1: A\\x00: expected a name of printable characters"),
        ((HEAD + "\u00e9,3,3,4,4,8,8,1,1\n").encode("latin-1"), "2:1: not UTF-8"),
        (HEAD + "A,3,3,99999999999,4,8,8,1,1\n", "2:1: A: P: must be at most 16777216, got 99999999999"),
        (HEAD + f"A,3,3,{'9' * 5000},4,8,8,1,1\n", f"2:1: A: P: must be at most 16777216, got {'9' * 40}"),
        (HEAD + "A,1,1,16777216,16,8,1,1,1\n", "2:1: A: its input would have 2147483648 elements; at most 268435456"),
        (HEAD + "A,3,3,4,4,8,8,1,nan\n", "2:1: A: dI: expected a density from 0 to 1, got 'nan'"),
    ],
)
def test_broken_csv(tmp_path, content, message):
    path = tmp_path / "l.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (problem,) = problems(path)
    assert problem.replace(f"{tmp_path}/", "") == f"l.csv:{message}"


def test_a_csv_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "l.csv"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.encode() + b"\r\nA,03,3,4,4,8,8,1,1\r\n")
    (layer,) = read_layers(path)
    assert (layer.name, layer.shape.r, str(layer.place)) == ("A", 3, f"{path}:3:1")


def test_a_csv_that_is_not_there_or_a_folder(tmp_path):
    assert problems(tmp_path / "no.csv") == ["no.csv: no such file or directory"]
    (tmp_path / "d.csv").mkdir()
    assert problems(tmp_path / "d.csv") == ["d.csv: is a directory"]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"shape": {"c": 10**12, "k": 8}}, "L.shape.c: must be at most 16777216, got 1000000000000"),
        ({"shape": SHAPE | {"pad": 100_000}}, "L.shape.pad: must be at most 65536, got 100000"),
        ({"shape": {"c": 2**14, "k": 2**15}}, "L.shape: its weights would have 536870912 elements; at most 268435456"),
        (
            {"shape": {"c": 1, "k": 1, "pad": 2**14}},
            "L.shape: its output would have 1073807361 elements; at most 268435456",
        ),
        (
            {"shape": SHAPE, "w": {"density": 0.5, "coarse": 0.5, "unit": [10**12, 4]}},
            "L.w.unit[0]: must be at most 16777216, got 1000000000000",
        ),
        ({"shape": SHAPE, "x": {"per_channel": [2**62] * 3}}, "L.x.per_channel[0]: must be at most 268435456, got"),
    ],
)
def test_layers_that_are_too_large(tmp_path, layer, message):
    found = problems(write(tmp_path, {"L": {"x": 0.5, "w": 0.5} | layer}))
    assert found[0].split(": ", 1)[1].startswith(message), found


@pytest.mark.parametrize(("name", "shown"), [("", ""), ("\x1b[31mx\n", "\\x1b[31mx\\x0a: "), ("\ud800", "\\xd800: ")])
def test_layers_have_names_that_can_be_printed(tmp_path, name, shown):
    path = write(tmp_path, {name: {"shape": SHAPE, "x": 0.5, "w": 0.5}})
    (problem,) = problems(path)
    assert problem.endswith(f": {shown}expected a name of printable characters")


def test_where_bp_needs_an_output_is_of_no_use_without_bp(tmp_path):
    path = write(tmp_path, json.dumps({"L": {"shape": SHAPE, "x": 0.5, "w": 0.5, "dx_needed": 0.5}}))
    assert problems(path) == ["layers.json:1:84: L.dx_needed: of no use without w and dy: there is no BP"]


def test_cycles_were_published_of_the_masks_in_the_file_only(tmp_path):
    counts = {"C": 1, "M": 4, "E": 2, "F": 3, "nnz_iact_per_channel": [6], "nnz_weight_per_channel": [1]}
    path = write(tmp_path, {"L": counts | {"published_cycles": 6}})
    assert read_layers(path)[0].published_cycles == 6
    assert read_layers(path, density=0.5)[0].published_cycles is None


def test_all_layers_together_have_a_limit_beside_that_of_each(tmp_path):
    """2^28 elements of input and 2^14 of weights a layer: the sixteenth is too many, before any is drawn."""
    layer = {"shape": {"c": 2**14, "h": 2**14, "k": 1}, "x": 0.5, "w": 0.5}
    path = write(tmp_path, {f"L{at}": layer for at in range(17)})
    total = 16 * (2**28 + 2**14)
    (problem,) = problems(path)
    assert problem.endswith(
        f": L15: the tensors up to here have {total} elements; a run takes at most {2**32}, so choose fewer layers"
    )
    csv = HEAD + "".join(f"L{at},1,1,16384,1,16384,1,1,1\n" for at in range(17))
    assert problems(write(tmp_path, csv, "layers.csv"))[0].startswith("layers.csv:17:1: L15: the tensors up to here")
