"""Files of the tools: every mistake has its line and column, also in gzipped data; outputs are whole."""

import gzip
import os
import subprocess
import sys
import tracemalloc
import zlib

import pytest

from cosim import files
from cosim.files import LONGEST_LINE, check_outputs, read_lines, write_whole

LINES = [f"R 0x{number * 7919 % 65536:x}" for number in range(60_000)]
TEXT = ("\n".join(LINES) + "\n").encode()


@pytest.fixture
def file(tmp_path):
    def write(data, name="trace.gz"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def read(path):
    """The lines up to a mistake, and its text without the path."""
    lines = []
    try:
        for line in read_lines(path, ValueError):
            lines.append(line)
    except ValueError as error:
        assert str(error).startswith(f"{path}:")
        return lines, str(error).removeprefix(str(path))
    return lines, None


@pytest.mark.parametrize("text", [b"", b"a", b"a\n", b"a\n\nb", b"a\r\nb\r\n", b"\n", TEXT])
def test_lines_are_those_of_the_text_gzipped_or_not(file, text):
    lines = text.decode().replace("\r", "").split("\n")
    expected = lines[:-1] if lines[-1] == "" else lines
    assert read(file(text, "plain.txt")) == (expected, None)
    packed = gzip.compress(text)
    assert read(file(packed)) == (expected, None)
    assert read(file(packed, "name.txt")) == (expected, None)
    halves = gzip.compress(text[: len(text) // 2]) + gzip.compress(text[len(text) // 2 :])
    assert read(file(halves + bytes(100))) == (expected, None)


def test_damage_is_told_where_the_text_ends(file):
    whole = gzip.compress(TEXT)
    for cut in (len(whole) // 3, len(whole) // 2, len(whole) - 1):
        there = zlib.decompressobj(wbits=31).decompress(whole[:cut])
        lines, message = read(file(whole[:cut]))
        *before, last = there.decode().split("\n")
        assert lines == before
        assert message == f":{len(before) + 1}:{len(last) + 1}: expected a gzip file, but it ends too early"


def test_damage_in_the_middle_is_told_no_later_than_it_is_seen(file):
    # A stored block of which the next begins with a type that there is not: the place is known to the byte.
    stored = zlib.compressobj(0, wbits=31)
    packed = stored.compress(b"R 0x0\nR 0x40\nR ") + stored.flush(zlib.Z_FULL_FLUSH)
    lines, message = read(file(packed + b"\x07" * 2000))
    assert lines == ["R 0x0", "R 0x40"]
    assert message == ":3:3: expected a gzip file, but it is damaged here"


def test_a_wrong_checksum_is_told_after_the_text(file):
    whole = bytearray(gzip.compress(b"a\nb\n"))
    whole[-6] ^= 1
    assert read(file(bytes(whole))) == (
        ["a", "b"],
        ":3:1: expected a gzip file, but its checksum is not that of the text before",
    )


@pytest.mark.parametrize("text", [b"", b"R 0x0\n"])
def test_a_name_that_says_gzip_must_be_gzip(file, text):
    assert read(file(text)) == ([], ":1:1: expected a gzip file, as the name says")


def test_what_follows_a_member_is_one_too(file):
    lines, message = read(file(gzip.compress(b"a\n") + b"rubbish"))
    assert (lines, message) == (["a"], ":2:1: expected a gzip file, but it is damaged here")


def test_whatever_byte_is_wrong_is_told_or_makes_no_difference(file):
    """What Python's gzip takes is taken, with the same text; the rest is a mistake with its place."""
    whole = gzip.compress(b"".join(b"R 0x%x\n" % (number * 7919 % 65536) for number in range(20)), mtime=0)
    told = 0
    for at in (2, *range(4, len(whole))):  # 3 are flags, of which zlib allows fewer
        for bit in range(8):
            wrong = bytearray(whole)
            wrong[at] ^= 1 << bit
            try:
                expected = gzip.decompress(bytes(wrong))
            except (OSError, EOFError, zlib.error):
                _, message = read(file(bytes(wrong)))
                assert message is not None
                told += 1
            else:
                lines, message = read(file(bytes(wrong)))
                assert message is None
                assert "".join(f"{line}\n" for line in lines).encode() == expected
    assert told > 8 * (len(whole) - 20)


def test_a_byte_that_is_not_ascii_is_named(file):
    assert read(file(b"a\nb\xff\n", "t")) == (["a"], ":2:2: expected plain ASCII text, got byte 0xff")


def test_the_longest_line_is_one_and_a_longer_one_takes_no_memory(file):
    assert read(file(b"x" * LONGEST_LINE + b"\n", "t")) == (["x" * LONGEST_LINE], None)
    too_long = f":2:{LONGEST_LINE + 1}: expected the end of the line: it is too long to be one"
    assert read(file(b"a\n" + b"x" * (LONGEST_LINE + 1) + b"\nb\n", "t")) == (["a"], too_long)
    path = file(gzip.compress(b"a\n" + bytes(50_000_000), 1))
    tracemalloc.start()
    assert read(path) == (["a"], too_long)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_two_names_of_one_file_are_one_file(tmp_path):
    there = tmp_path / "there"
    there.write_text("")
    (tmp_path / "link").symlink_to(there)
    os.link(there, tmp_path / "hard")
    for name in ("there", "link", "hard", "../" + tmp_path.name + "/there"):
        with pytest.raises(ValueError, match=f"^--out .*{name}: expected another file than that of the trace .*there$"):
            check_outputs({"--out": tmp_path / name}, {"the trace": there})
    with pytest.raises(ValueError, match=r"^--b .*new: expected another file than that of --a .*new$"):
        check_outputs({"--a": tmp_path / "new", "--b": tmp_path / "x" / ".." / "new"})
    check_outputs({"--a": tmp_path / "new", "--b": tmp_path / "newer", "--c": None}, {"the trace": there})
    check_outputs({"--a": tmp_path.__class__("/dev/null"), "--b": tmp_path.__class__("/dev/null")})


def test_what_cannot_be_written_is_told_first(tmp_path):
    for path, kind in ((tmp_path / "none" / "a", FileNotFoundError), (tmp_path, IsADirectoryError)):
        with pytest.raises(kind) as error:
            check_outputs({"--out": path})
        assert error.value.filename == str(path)


def test_a_file_is_written_as_a_whole_or_stays(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    link = tmp_path / "link"
    link.symlink_to(path)
    write_whole(link, b"old")
    path.chmod(0o640)
    write_whole(link, b"older")
    assert link.is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"older", 0o640)
    for problem in (KeyboardInterrupt(), OSError(28, "No space left on device")):

        def replace(*_, problem=problem):
            raise problem

        with monkeypatch.context() as patch:
            patch.setattr(files.os, "replace", replace)
            with pytest.raises(type(problem)) as error:
                write_whole(path, b"new")
        if isinstance(problem, OSError):
            assert error.value.filename == str(path)
        assert path.read_bytes() == b"older"
        assert sorted(tmp_path.iterdir()) == [link, path]


def test_equal_data_gives_equal_gzip_files(tmp_path):
    write_whole(tmp_path / "a.gz", TEXT)
    write_whole(tmp_path / "b.gz", TEXT)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == TEXT


def test_what_goes_to_stdout_follows_what_is_there(tmp_path):
    code = """
from pathlib import Path
from cosim.files import check_outputs, write_whole
stdout = Path("/dev/stdout")
check_outputs({"--a": stdout, "--b": stdout})
print("first")
write_whole(stdout, b"second\\n")
print("third")
"""
    out = tmp_path / "out.txt"
    with out.open("wb") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert out.read_text() == "first\nsecond\nthird\n"
