"""Request traces: two forms, read exactly, mistakes named by line and column."""

import gzip

import pytest

from cosim.models.dram import TraceError, read_requests


def test_reads_both_forms(tmp_path):
    path = tmp_path / "trace.txt"
    path.write_text("# head\nR 0x40\n\n  W 0xFFc0  # tail\n")
    trace = read_requests(path)
    assert (trace.addresses.tolist(), trace.is_write.tolist(), trace.earliest) == ([0x40, 0xFFC0], [0, 1], None)
    packed = tmp_path / "trace.gz"
    packed.write_bytes(gzip.compress(b"0x40 READ 0\n0x80 WRITE 12\n"))
    trace = read_requests(packed)
    assert (trace.addresses.tolist(), trace.is_write.tolist()) == ([0x40, 0x80], [0, 1])
    assert trace.earliest.tolist() == [0, 12]


def test_an_empty_trace_is_one(tmp_path):
    path = tmp_path / "trace.txt"
    path.write_text("")
    assert len(read_requests(path)) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("R 0x0\nX 0x40\n", ":2:1: expected R or W, got 'X'"),
        ("READ 0x40\n", ":1:1: expected R or W, got 'READ'"),
        ("R 40\n", ":1:3: expected an address such as 0x1f40, got '40'"),
        ("R 0x10000000000000000\n", ":1:3: expected an address such as 0x1f40, got '0x10000000000000000'"),
        ("R -0x40\n", ":1:3: expected an address such as 0x1f40, got '-0x40'"),
        ("R\n", ":1:2: expected `R 0x40` or `W 0x40`, got 'the end of the line'"),
        ("  R 0x40 7\n", ":1:10: expected `R 0x40` or `W 0x40`, got '7'"),
        ("0x40 READ\n", ":1:10: expected `0x40 READ 12` or `0x40 WRITE 12`, got 'the end of the line'"),
        ("0x40 R 7\n", ":1:6: expected READ or WRITE, got 'R'"),
        ("0x40 READ -7\n", ":1:11: expected a clock number below 2^59, got '-7'"),
        (f"0x40 READ {1 << 59}\n", f":1:11: expected a clock number below 2^59, got '{1 << 59}'"),
        (f"0x40 READ {'9' * 4000}\n", f":1:11: expected a clock number below 2^59, got '{'9' * 4000}'"),
        ("0x40 READ 7\n0x40 READ 6\n", ":2:11: expected a clock not before 7, got '6'"),
        ("0x40 READ 7\nR 0x40\n", ":2:1: expected `ADDRESS READ CLOCK` as in the lines before, got 'R'"),
        ("R 0x40\n0x40 READ 7\n", ":2:1: expected `R ADDRESS` as in the lines before, got '0x40'"),
        ("R 0x40\nR 0x4\u00e9\n", ":2:6: expected plain ASCII text, got byte 0xc3"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, text, message):
    path = tmp_path / "trace.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceError) as error:
        read_requests(path)
    assert str(error.value) == f"{path}{message}"


def test_what_is_not_gzipped_is_told(tmp_path):
    path = tmp_path / "trace.gz"
    path.write_text("R 0x40\n")
    with pytest.raises(TraceError, match="expected a gzip file"):
        read_requests(path)
