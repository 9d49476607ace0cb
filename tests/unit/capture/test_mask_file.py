"""Files of masks: what was written is read; damage of any byte, a cut at any place, is one clear error."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.capture import Kind, MaskFile, MaskFileError, MaskWriter

MASKS = {
    (0, Kind.INPUT, "a"): np.arange(30).reshape(1, 2, 3, 5) % 3 > 0,
    (0, Kind.WEIGHT, "a"): np.zeros((4, 1, 1, 5), dtype=bool),
    (7, Kind.GRADIENT, "b"): np.ones((1, 1, 1, 9), dtype=bool),
}


def write(path, masks=None):
    with MaskWriter(path) as writer:
        for key, mask in (MASKS if masks is None else masks).items():
            writer.write(*key, mask)
    return path


def test_what_was_written_is_read(tmp_path):
    file = MaskFile(write(tmp_path / "a.masks"))
    assert file.steps == (0, 7)
    for key, mask in MASKS.items():
        assert file.shape(*key) == mask.shape
        assert np.array_equal(file.read(*key), mask)
    assert file.shape(1, Kind.INPUT, "a") is None
    with pytest.raises(KeyError):
        file.read(1, Kind.INPUT, "a")


def test_the_bytes_are_as_documented(tmp_path):
    """Read by the words of the description, without the reader."""
    content = write(tmp_path / "a.masks", {(3, Kind.WEIGHT, "fc"): np.array([[True, False, True]])}).read_bytes()
    assert content[:12] == b"COSIMASK\x01\0\0\0"
    checksum, kind, axes, name, step, length = struct.unpack_from("<IBBHII", content, 12)
    assert (kind, axes, name, step) == (2, 2, 2, 3)
    assert struct.unpack_from("<2I", content, 28) == (1, 3)
    assert content[36:38] == b"fc"
    assert zlib.decompress(content[38 : 38 + length]) == b"\x05"
    assert zlib.crc32(content[16 : 38 + length]) == checksum
    assert struct.unpack_from("<BBHII", content, 38 + length + 4) == (0, 0, 0, 1, 0)


@given(st.data())
def test_any_damage_is_found(tmp_path_factory, data):
    path = write(tmp_path_factory.mktemp("m") / "a.masks")
    good = path.read_bytes()
    if data.draw(st.booleans()):
        bad = good[: data.draw(st.integers(0, len(good) - 1))]
    else:
        at = data.draw(st.integers(0, len(good) - 1))
        bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    path.write_bytes(bad)
    with pytest.raises(MaskFileError, match=r"^a\.masks: [^\n]+$"):
        MaskFile(path)


def record(kind=1, shape=(8,), name=b"a", bits=b"", step=0):
    rest = struct.pack("<BBHII", kind, len(shape), len(name), step, len(bits))
    rest += struct.pack(f"<{len(shape)}I", *shape) + name + bits
    return struct.pack("<I", zlib.crc32(rest)) + rest


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "not a file of masks"),
        (b"PK\x03\x04" + bytes(20), "not a file of masks"),
        (b"COSIMASK\x02\0\0\0", "version 2; this program reads 1"),
        (b"COSIMASK\x01\0\0\0", "cut off at byte 12"),
        (b"COSIMASK\x01\0\0\0" + record(shape=(2**32 - 1,) * 4), f"a mask of {(2**32 - 1) ** 4} elements; at most"),
        (b"COSIMASK\x01\0\0\0" + record() + record(), "damaged at byte 33: a mask for the second time"),
        (b"COSIMASK\x01\0\0\0" + record() + record(0, (), b"", step=2), "damaged: records are missing, or something"),
        (b"COSIMASK\x01\0\0\0" + record(9), "cut off or damaged at byte 12"),
    ],
)
def test_files_that_are_something_else(tmp_path, content, text):
    path = tmp_path / "a.masks"
    path.write_bytes(content)
    with pytest.raises(MaskFileError) as error:
        MaskFile(path)
    assert str(error.value).startswith(f"a.masks: {text}")


@pytest.mark.parametrize("bits", [zlib.compress(bytes(1 << 20)), zlib.compress(b""), b"nothing"])
def test_bits_that_do_not_fit_their_shape(tmp_path, bits):
    """A megabyte of zeros packs into a kilobyte; no more than was announced is unpacked."""
    path = tmp_path / "a.masks"
    path.write_bytes(b"COSIMASK\x01\0\0\0" + record(bits=bits) + record(0, (), b"", step=1))
    with pytest.raises(MaskFileError, match=r"^a\.masks: damaged: a, step 0: "):
        MaskFile(path).read(0, Kind.INPUT, "a")


def test_an_error_leaves_nothing_behind(tmp_path):
    with (
        pytest.raises(TypeError, match=r"^a mask is Boolean, got float64$"),
        MaskWriter(tmp_path / "a.masks") as writer,
    ):
        writer.write(0, Kind.INPUT, "a", np.ones(3))
    assert list(tmp_path.iterdir()) == []
