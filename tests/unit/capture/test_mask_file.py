"""Files of masks: what was written is read; damage of any byte, a cut at any place, is one clear error."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.capture import Kind, MaskFile, MaskFileError, MaskWriter, mask_file

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


ZEROS = zlib.compress(b"\0")  # of eight elements


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
        (
            b"COSIMASK\x01\0\0\0" + record(bits=ZEROS) * 2,
            f"damaged at byte {33 + len(ZEROS)}: a mask for the second time",
        ),
        (
            b"COSIMASK\x01\0\0\0" + record(bits=ZEROS) + record(0, (), b"", step=2),
            "damaged: records are missing, or something",
        ),
        (b"COSIMASK\x01\0\0\0" + record(9), "cut off or damaged at byte 12"),
    ],
)
def test_files_that_are_something_else(tmp_path, content, text):
    path = tmp_path / "a.masks"
    path.write_bytes(content)
    with pytest.raises(MaskFileError) as error:
        MaskFile(path)
    assert str(error.value).startswith(f"a.masks: {text}")


@pytest.mark.parametrize("bits", [zlib.compress(bytes(1 << 20)), zlib.compress(b""), b"nothing", b""])
def test_bits_that_do_not_fit_their_shape(tmp_path, bits):
    """Found when the file is opened. A megabyte of zeros packs into a kilobyte; it is unpacked in pieces."""
    path = tmp_path / "a.masks"
    path.write_bytes(b"COSIMASK\x01\0\0\0" + record(bits=bits) + record(0, (), b"", step=1))
    with pytest.raises(MaskFileError, match=r"^a\.masks: damaged: a, step 0: the bits do not fit the shape \(8,\)$"):
        MaskFile(path)


def test_a_file_that_changes_after_it_was_opened(tmp_path):
    path = write(tmp_path / "a.masks")
    file = MaskFile(path)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(MaskFileError, match=r"^a\.masks: damaged: a, step 0: "):
        file.read(0, Kind.INPUT, "a")


def test_large_masks_that_pack_into_nothing(tmp_path):
    """2^27 equal bits and eight more are refused, by reader and writer; 2^27 are read."""
    path = tmp_path / "a.masks"
    for extra, text in ((0, None), (8, "a.masks: a, step 0: 134217736 elements in ")):
        bits = zlib.compress(bytes(((1 << 27) + extra) // 8), 9)
        end = record(0, (), b"", step=1)
        path.write_bytes(b"COSIMASK\x01\0\0\0" + record(shape=(1, (1 << 27) + extra), bits=bits) + end)
        if text is None:
            assert MaskFile(path).shape(0, Kind.INPUT, "a") == (1, 1 << 27)
        else:
            with pytest.raises(MaskFileError) as error:
                MaskFile(path)
            assert str(error.value).startswith(text)


def test_more_masks_than_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(mask_file, "MAX_RECORDS", 3)
    path = write(tmp_path / "a.masks")
    assert MaskFile(path).steps == (0, 7)
    monkeypatch.setattr(mask_file, "MAX_RECORDS", 2)
    with pytest.raises(MaskFileError, match=r"^a\.masks: more than 2 masks$"):
        MaskFile(path)
    with pytest.raises(ValueError, match=r"^more than 2 masks; record fewer steps$"):
        write(tmp_path / "b.masks")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("key", "shape", "text"),
    [
        ((-1, Kind.INPUT, "a"), (1,), "step -1: expected 0 to 4294967295"),
        ((1 << 32, Kind.INPUT, "a"), (1,), "step 4294967296: expected 0 to 4294967295"),
        ((0, Kind.INPUT, "a" * 65536), (1,), "a layer's name of 65536 bytes; at most 65535 are written"),
        (
            (0, Kind.INPUT, "a"),
            (1,) * 9,
            f"a mask of shape {(1,) * 9}; at most 8 axes and 1073741824 elements are written",
        ),
        ((0, Kind.INPUT, "a"), (0, 1 << 32), f"a mask of shape {(0, 1 << 32)}; at most 8 axes and"),
        ((0, Kind.END, "a"), (1,), "the last record is written by close()"),
        ((5, Kind.WEIGHT, "b"), (1,), "layer b, step 5: its weight for the second time"),
    ],
)
def test_what_is_not_written(tmp_path, key, shape, text):
    """What no reader would take is an error where it is made, and what came before it is written."""
    path = tmp_path / "a.masks"
    with MaskWriter(path) as writer:
        writer.write(5, Kind.WEIGHT, "b", np.ones(3, dtype=bool))
        with pytest.raises(ValueError) as error:
            writer.write(*key, np.ones(shape, dtype=bool))
        assert str(error.value).startswith(text)
    assert MaskFile(path).steps == (5,)


def test_an_error_leaves_nothing_behind(tmp_path):
    with (
        pytest.raises(TypeError, match=r"^a mask is Boolean, got float64$"),
        MaskWriter(tmp_path / "a.masks") as writer,
    ):
        writer.write(0, Kind.INPUT, "a", np.ones(3))
    assert list(tmp_path.iterdir()) == []
