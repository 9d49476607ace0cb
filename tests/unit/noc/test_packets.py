"""Packet files: what is read is what was written; every mistake is named with file, line and column."""

import gzip
import re

import numpy as np
import pytest

from cosim.models.noc.mesh import MeshConfig
from cosim.models.noc.packets import PacketFileError, read_packets, write_packets
from cosim.models.noc.replay import replay

MESH = MeshConfig(4, 4)
HEADER = "id,src,dst,flits,created"


@pytest.fixture
def file(tmp_path):
    def write(data):
        path = tmp_path / "p.csv"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def test_columns_come_in_any_order_and_packets_by_creation_then_id(file):
    packets = read_packets(file("extra,created,id,flits,dst,src\r\nx,5,9,1,2,3\nx,5,4,2,0,1\nx,0,7,3,15,0\n"), MESH)
    assert packets.id.tolist() == [7, 4, 9]
    assert packets.created.tolist() == [0, 5, 5]
    assert packets.src.tolist() == [0, 1, 3]
    assert packets.dst.tolist() == [15, 0, 2]
    assert packets.flits.tolist() == [3, 2, 1]
    assert packets.recorded is None


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_what_is_written_is_read_again_with_its_clocks(file, tmp_path, name):
    packets = read_packets(file(f"{HEADER}\n1,0,5,4,0\n0,3,3,1,0\n"), MESH)
    run = replay(MESH, packets)
    out = tmp_path / name
    write_packets(out, packets, run.clocks, MESH)
    text = gzip.decompress(out.read_bytes()).decode() if name.endswith("gz") else out.read_text()
    assert text == (
        "id,src,dst,flits,created,injected,head_out,tail_out,routers\n0,3,3,1,0,0,7,7,1\n1,0,5,4,0,0,17,20,3\n"
    )
    again = read_packets(out, MESH)
    assert np.array_equal(again.recorded, run.clocks)
    before = out.read_bytes()
    write_packets(out, packets, run.clocks, MESH)
    assert out.read_bytes() == before


def test_a_file_without_packets_is_one(file):
    assert len(read_packets(file(HEADER + "\n"), MESH)) == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", ":1:1: expected a line of column names, got an empty file"),
        ("id,src,dst,flits\n", f":1:1: expected the columns {HEADER} once each, but 'created' is there 0 times"),
        (f"{HEADER},src\n", f":1:1: expected the columns {HEADER} once each, but 'src' is there 2 times"),
        (f"{HEADER}\n0,0,0,1,0\n1,0,16,1,0\n", ":3:5: dst: expected a whole number from 0 to 15, got '16'"),
        (f"{HEADER}\n0,0, x,1,0\n", ":2:5: dst: expected a whole number from 0 to 15, got 'x'"),
        (f"{HEADER}\n0,0,1,0,0\n", ":2:7: flits: expected a whole number from 1 to 1048576, got '0'"),
        (f"{HEADER}\n0,0,1,1,-1\n", ":2:9: created: expected a whole number from 0 to 4503599627370496, got '-1'"),
        (f"{HEADER}\n0,0,1,1,1.5\n", ":2:9: created: expected a whole number from 0 to 4503599627370496, got '1.5'"),
        (f"{HEADER}\n0,0,1,1,{9**40}\n", f":2:9: created: expected a whole number from 0 to {2**52}, got '{9**40}'"),
        (f"{HEADER}\n0,0,1,1\n", ":2:1: expected 5 fields, got 4"),
        (f"{HEADER}\n\n", ":2:1: expected 5 fields, got 1"),
        (f"{HEADER}\n0,0,1,1,0\n7,0,1,1,1\n0,0,1,1,2\n", ":4:1: id: expected every id once, 0 was there before"),
        (f"{HEADER}\n0,\xff".encode("latin-1"), ":2:3: expected plain ASCII text, got byte 0xff"),
        (b"\x1f\x8b\x08", ":1:1: expected a gzip file, but it ends too early"),
        (b"\x1f\x8bXrubbish", ":1:1: expected a gzip file, but it is damaged here"),
        (gzip.compress(HEADER.encode(), mtime=0)[:-8], ":1:25: expected a gzip file, but it ends too early"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_column(file, data, message):
    path = file(data)
    with pytest.raises(PacketFileError, match=f"^{re.escape(str(path) + message)}"):
        read_packets(path, MESH)


def test_a_name_that_says_gzip_must_be_gzip(tmp_path):
    path = tmp_path / "p.csv.gz"
    path.write_text(HEADER)
    with pytest.raises(PacketFileError, match=r":1:1: expected a gzip file, as the name says$"):
        read_packets(path, MESH)
