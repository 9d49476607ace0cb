"""Damaged and hostile input files through the program: one line, exit 2, nothing half-written, little memory.

The commands run one after the other in children of one process (`alone.py`), each with a peak of memory of its own.
"""

import functools
import importlib.util
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers.interrupting import outcome, training
from helpers.scenario_of import scenario_of
from helpers.small_cnn import NETWORK, RECORDED
from robustness.plugin import environment

from cosim.capture.mask_file import _FIXED, Kind

PEAK_MIB = 150
"""A child has about 50 MiB of its own once it has read a scenario; the hostile files claim 65 MiB to a TiB."""
GIB = 1 << 30
HUGE = 1 << 40
ONNX = importlib.util.find_spec("onnx") is not None
SQUARE = {
    "name": "net",
    "input": {"height": 8, "width": 8, "channels": 1},
    "layers": [{"kind": "linear", "name": "fc", "channels": 10}],
}


# ---- sound files --------------------------------------------------------------------------------------------------


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def images(count):
    return (np.arange(count * 64) % 251).astype(np.uint8).reshape(count, 8, 8)


def labels(count):
    return (np.arange(count) % 10).astype(np.uint8)


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def onnx_model():
    """A message of the right outer form: IR version 8, and a graph whose only node is named "a"."""
    node = b"\x1a\x01a"
    graph = b"\x0a" + bytes([len(node)]) + node
    return b"\x08\x08" + b"\x3a" + bytes([len(graph)]) + graph


def field(number, content):
    """A field of a message of protocol buffers that is a message itself."""
    length, size = bytearray(), len(content)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def onnx_of(graph):
    return b"\x08\x08" + field(7, graph)


NPZ = {"train_images": images(12), "train_labels": labels(12), "test_images": images(4), "test_labels": labels(4)}
GOOD = {
    "npz": npz(**NPZ),
    "idx": idx(images(12)),
    "cifar": bytes(3073) * 4,
    "trace": RECORDED.read_bytes(),
    "csv": b"Layer, M, N, K\na, 8, 4, 3\n",
    "onnx": onnx_model(),
}
FILES = {"npz": "d.npz", "idx": "d.idx", "cifar": "d.bin", "trace": "d.masks", "csv": "d.csv", "onnx": "d.onnx"}


# ---- damages ------------------------------------------------------------------------------------------------------


def cut(content):
    return content[: len(content) * 2 // 3]


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def sparse(path):
    """Made much longer without a block more on the disk: 1 GiB, or, of files that are hashed, what that takes a second
    for."""
    os.truncate(path, 1 << 27 if path.suffix in (".npz", ".idx", ".bin", ".masks") and path.stem == "d" else GIB)


def npy(descr="|u1", shape=(4,), version=(1, 0), data=b""):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(header)) + header + data


def npz_with(member, content, packed=zipfile.ZIP_DEFLATED):
    """The sound archive, with another member in the place of one."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD["npz"])) as old, zipfile.ZipFile(stream, "w", packed) as new:
        for name in old.namelist():
            new.writestr(name, content if name == member else old.read(name))
    return stream.getvalue()


@functools.cache
def bomb():
    """65 MiB of zeros, which pack into as many KiB."""
    return npy(shape=(65 << 20,), data=bytes(65 << 20))


def claiming(content, member, size):
    """The archive, whose directory claims so many bytes of a member."""
    at = content.index(b"PK\x01\x02")
    while content[at + 46 : at + 46 + len(member)] != member.encode():
        at = content.index(b"PK\x01\x02", at + 4)
    return content[: at + 24] + struct.pack("<I", size) + content[at + 28 :]


def directory_of(size, length):
    """The end of an archive `length` bytes long, whose directory claims `size` bytes."""
    return struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, length - 22 - size, 0)


def sparse_with_directory(path):
    path.write_bytes(b"PK\x03\x04")
    sparse(path)
    length = path.stat().st_size
    with path.open("r+b") as stream:
        stream.seek(length - 22)
        stream.write(directory_of(length - 1000, length))


def mask_record(shape, bits, *, kind=Kind.INPUT, name=b"conv1"):
    head = _FIXED.pack(kind, len(shape), len(name), 0, len(bits)) + struct.pack(f"<{len(shape)}I", *shape)
    rest = head + name + bits
    return struct.pack("<I", zlib.crc32(rest)) + rest


def masks(*records):
    return b"COSIMASK" + struct.pack("<I", 1) + b"".join(records) + mask_record((), b"", kind=Kind.END, name=b"")


# (kind, damage): (content, or a function of the file's path; the message)
DAMAGED = {
    **{(kind, "empty"): (b"", None) for kind in FILES},
    **{(kind, "text"): (b"hello, world\n", None) for kind in FILES},
    **{(kind, "cut off"): (cut(content), None) for kind, content in GOOD.items() if kind != "csv"},
    **{(kind, "sparse"): (sparse, None) for kind in FILES},
    ("npz", "flipped"): (flipped, None),
    ("npz", "version"): (npz_with("test_images.npy", npy(version=(7, 0))), "version 7.0 of numpy's format"),
    ("npz", "claims 2^40"): (npz_with("test_images.npy", npy(shape=(HUGE,))), f"test_images: {HUGE} bytes should"),
    ("npz", "claims 2^40 of 2^40"): (
        npz_with("test_images.npy", npy(descr="<f8", shape=(HUGE, HUGE))),
        f"test_images: {8 * HUGE * HUGE} bytes should",
    ),
    ("npz", "pickled"): (npz_with("test_images.npy", npy(descr="|O")), "nothing is unpickled"),
    ("npz", "bomb"): (lambda: npz_with("test_images.npy", bomb()), "which no numbers are"),
    ("npz", "huge directory"): (sparse_with_directory, "its directory claims"),
    ("idx", "version"): (b"\0\0\x0d\x03" + GOOD["idx"][4:], "IDX type 0x0d with 3 axes; expected 0x08 with 3"),
    ("idx", "claims 2^40"): (
        struct.pack(">HBB3I", 0, 8, 3, 1 << 20, 1 << 10, 1 << 10) + bytes(64),
        f"{1 << 20} x 1024",
    ),
    ("idx", "compressed"): (zlib.compress(GOOD["idx"], wbits=31), "compressed; unpack it first"),
    ("trace", "flipped"): (flipped, "the checksum differs"),
    ("trace", "version"): (GOOD["trace"][:8] + b"\x09\0\0\0" + GOOD["trace"][12:], "version 9; this program reads 1"),
    ("trace", "claims 2^40"): (masks(mask_record((1 << 20, 1 << 20), b"")), f"a mask of {HUGE} elements; at most"),
    ("trace", "bomb"): (
        lambda: masks(mask_record((1 << 24, 1, 1, 64), zlib.compress(bytes(1 << 27), 9))),
        "d.masks: conv1, step 0: 1073741824 elements in",
    ),
    ("trace", "other bits"): (
        masks(mask_record((1, 8, 8, 1), zlib.compress(bytes(9)))),
        "the bits do not fit the shape",
    ),
    ("onnx", "nodes"): (lambda: onnx_of(field(1, b"") * 3_000_000), "fields that are read"),
    ("onnx", "attributes"): (lambda: onnx_of(field(1, field(5, b"") * 3_000_000)), "fields that are read"),
    ("onnx", "deep"): (
        lambda: onnx_of(functools.reduce(lambda g, _: field(1, field(5, field(6, g))), range(3000), b"")),
        "not an ONNX model, or damaged",
    ),
    ("csv", "no text"): (bytes(range(256)), "not UTF-8 at byte 128"),
    ("csv", "claims 2^40"): (
        b"Layer, M, N, K\na, 8, 4, %d\n" % HUGE,
        f"a whole number from 1 to 16777216, got '{HUGE}'",
    ),
    ("csv", "cut off"): (b"Layer, M, N, K\na, 8,", "d.csv:2"),
    ("csv", "long line"): (b"Layer, M, N, K\n" + b"a" * 1_000_000, "d.csv:2"),
}


def write_case(folder, kind, damage):
    """The files of a case, and the command that meets them."""
    content = DAMAGED[kind, damage][0]
    path = folder / FILES[kind]
    path.write_bytes(GOOD[kind])
    if callable(content):
        if content is flipped:
            path.write_bytes(flipped(GOOD[kind]))
        elif content in (sparse, sparse_with_directory):
            content(path)
        else:
            path.write_bytes(content())
    else:
        path.write_bytes(content)
    if kind in ("csv", "onnx"):
        return ["import", path.name, "--out", "out.yaml"]
    workload = {"fidelity": "trace", "network": NETWORK, "file": path.name}
    if kind != "trace":
        data = {"loader": "npz", "file": path.name}
        if kind == "idx":
            for name, array in {"l.idx": labels(12), "t.idx": images(4), "tl.idx": labels(4)}.items():
                (folder / name).write_bytes(idx(array))
            data = {"loader": "mnist_idx", "file": "d.idx", "labels": "l.idx", "test": "t.idx", "test_labels": "tl.idx"}
        elif kind == "cifar":
            data = {"loader": "cifar10_binary", "file": "d.bin", "test": "d.bin"}
        workload = {
            "fidelity": "functional",
            "network": SQUARE,
            "data": data,
            "batch": 4,
            "epochs": 1,
            "optimizer": {"learning_rate": {"schedule": "constant", "rate": 0.05}},
        }
    training_file(folder, workload)
    return ["run", "s.yaml", "--out", "out", "--no-report"]


def training_file(folder, workload):
    (folder / "s.yaml").write_text(json.dumps(scenario_of(workload)))


# ---- checkpoints --------------------------------------------------------------------------------------------------


def header_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return json.loads(archive.read("checkpoint.json"))


def replaced(content, **members):
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, members.get(name, old.read(name)))
    return stream.getvalue()


def with_header(content, **changed):
    return replaced(content, **{"checkpoint.json": json.dumps(header_of(content) | changed)})


CHECKPOINTS = {
    "empty": (lambda good: b"", "damaged, or not a checkpoint"),
    "text": (lambda good: b"hello, world\n", "damaged, or not a checkpoint"),
    "cut off": (cut, "damaged"),
    "flipped": (flipped, "damaged"),
    "sparse": (sparse, "damaged, or not a checkpoint"),
    "huge directory": (sparse_with_directory, "damaged, or not a checkpoint"),
    "version": (lambda good: with_header(good, version=2), "version 2 of checkpoints; this program reads 1"),
    "another scenario": (lambda good: with_header(good, identity="0"), "of another scenario, or of other data"),
    "another program": (lambda good: with_header(good, cosim_version="9.9"), "made by cosim 9.9, this is"),
    "long header": (lambda good: replaced(good, **{"checkpoint.json": bytes(1 << 20)}), "at most 65536 are read"),
    "oversized data": (
        lambda good: claiming(good, "data.json", (1 << 28) + 1),
        "data.json has 268435457 bytes; at most 268435456 are read",
    ),
    "deep data": (lambda good: replaced(good, **{"data.json": b"[" * 100_000}), "damaged (RecursionError"),
    "wrong types": (
        lambda good: replaced(good, **{"data.json": b'{"systems": 3}'}),
        "damaged (ValueError: systems: Input should be a valid list); start again with --force",
    ),
    "claims 2^40": (lambda good: replaced(good, **{"chip0/noc0.npy": npy(shape=(HUGE,))}), f"{HUGE} bytes should"),
    "bomb": (lambda good: replaced(good, **{"chip0/noc0.npy": bomb()}), "which no numbers are"),
    "other shape": (lambda good: replaced(good, **{"chip0/noc0.npy": npy(data=b"1234")}), "noc0: uint8 (4,), expected"),
}


# ---- the tests ----------------------------------------------------------------------------------------------------


def described(kind, damage):
    return f"{kind}: {damage}"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What the program said, by case, and the folder of each."""
    root = tmp_path_factory.mktemp("damaged")
    cases = {}
    for number, (kind, damage) in enumerate(DAMAGED):
        folder = root / f"{number}"
        folder.mkdir()
        cases[described(kind, damage)] = {"argv": write_case(folder, kind, damage), "cwd": str(folder)}
    scenario = training(root / "checkpoint", "statistical")
    outcome(scenario, root / "checkpoint.npz", [2])
    good = (root / "checkpoint.npz").read_bytes()
    for damage, (change, _) in CHECKPOINTS.items():
        folder = root / damage.replace(" ", "_")
        out = folder / "out"
        out.mkdir(parents=True)
        shutil.copy(scenario.file, folder)
        file = out / "checkpoint.npz"
        file.write_bytes(good)
        if change in (sparse, sparse_with_directory):
            change(file)
        else:
            file.write_bytes(change(good))
        argv = ["run", "s.yaml", "--out", "out", "--no-report", "--resume"]
        cases[described("checkpoint", damage)] = {"argv": argv, "cwd": str(folder)}
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("alone.py")],
        input=json.dumps(cases),
        env=environment(root),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return {name: (Path(cases[name]["cwd"]), result) for name, result in json.loads(ran.stdout).items()}


def assert_one_clear_line(result, text):
    assert result["code"] == 2, result
    assert result["stderr"].count("\n") == 1, result["stderr"]
    assert text in result["stderr"]
    assert "Traceback" not in result["stderr"]
    assert result["peak_mib"] < PEAK_MIB, result


@pytest.mark.parametrize(("kind", "damage"), DAMAGED)
def test_input_files(results, kind, damage):
    folder, result = results[described(kind, damage)]
    if kind == "onnx" and not ONNX:
        assert_one_clear_line(result, "d.onnx: reading ONNX needs the extra 'onnx'")
        pytest.skip("the rest needs the extra 'onnx'")
    assert_one_clear_line(result, DAMAGED[kind, damage][1] or FILES[kind])
    if kind not in ("csv", "onnx"):
        assert result["stderr"].startswith("s.yaml:1:"), result["stderr"]
    assert not (folder / "out").exists()
    assert not (folder / "out.yaml").exists()
    assert not list(folder.glob(".*")), "half-written"


@pytest.mark.parametrize("damage", CHECKPOINTS)
def test_checkpoints(results, damage):
    folder, result = results[described("checkpoint", damage)]
    assert_one_clear_line(result, CHECKPOINTS[damage][1])
    assert result["stderr"].startswith(f"{folder / 'out/checkpoint.npz'}: ")
    assert [file.name for file in (folder / "out").iterdir()] == ["checkpoint.npz"], "it is left as it is"
