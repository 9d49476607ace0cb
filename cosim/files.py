"""Files of the command line tools: lines of text in, gzipped or not; whole files out, and never over one another."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import shutil
import stat
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

__all__ = ["LONGEST_LINE", "check_outputs", "read_lines", "write_whole"]

#: Characters. Far above any line of a trace; what is longer is another kind of file and need not fit the memory.
LONGEST_LINE = 4096
_STDOUT = Path("/dev/stdout")
_MAGIC = b"\x1f\x8b"
_BLOCK_BYTES = 1 << 16


class _Damaged(Exception):
    """`args`: what is wrong with the gzip file from here on."""


def read_lines(path: Path, error: Callable[[str], Exception]) -> Iterator[str]:
    """The lines of an ASCII text file without their ends (LF or CR LF), one at a time.

    Gzipped if the file begins like it; a name in .gz promises that it does. Raises `error(file:line:column: what was
    expected)` where it comes to damaged gzip data, a byte that is not ASCII, or a line above LONGEST_LINE; OSError if
    the file cannot be read. Lines before that place have been given out.
    """
    number, rest = 1, b""
    blocks = _blocks(path)
    while True:
        try:
            block = next(blocks, b"")
        except _Damaged as damage:
            raise error(f"{path}:{number}:{len(rest) + 1}: expected a gzip file, {damage}") from None
        *lines, last = (rest + block).split(b"\n")
        if not block and last:
            lines.append(last)
        for line in lines:
            yield _text(path, number, line.removesuffix(b"\r"), error)
            number += 1
        rest = last
        if len(rest) > LONGEST_LINE:
            _text(path, number, rest, error)
        if not block:
            return


def _text(path: Path, number: int, line: bytes, error: Callable[[str], Exception]) -> str:
    try:
        text = line[:LONGEST_LINE].decode("ascii")
    except UnicodeDecodeError as wrong:
        at = wrong.start
        raise error(f"{path}:{number}:{at + 1}: expected plain ASCII text, got byte {line[at]:#04x}") from None
    if len(line) > LONGEST_LINE:
        raise error(f"{path}:{number}:{LONGEST_LINE + 1}: expected the end of the line: it is too long to be one")
    return text


def _blocks(path: Path) -> Iterator[bytes]:
    """The text in pieces, none empty. Raises _Damaged after the last byte that could be had."""
    with path.open("rb") as file:
        data = file.read(_BLOCK_BYTES)
        if data[:2] != _MAGIC:
            if path.suffix == ".gz":
                raise _Damaged("as the name says")
            while data:
                yield data
                data = file.read(_BLOCK_BYTES)
            return
        member = zlib.decompressobj(wbits=31)
        while data:
            yield from _unpacked(member, data)
            if member.eof:
                # Members may follow each other; zeros after the last are padding.
                data = member.unused_data.lstrip(b"\0") or file.read(_BLOCK_BYTES).lstrip(b"\0")
                if data:
                    member = zlib.decompressobj(wbits=31)
            else:
                data = file.read(_BLOCK_BYTES)
        if not member.eof:
            raise _Damaged("but it ends too early")


def _unpacked(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What a member makes of `data`, no more than a block at a time."""
    while data and not member.eof:
        before = member.copy()
        try:
            text = member.decompress(data, _BLOCK_BYTES)
        except zlib.error as error:
            # An error keeps back what came before it. Byte by byte there is only the last one's to lose.
            with contextlib.suppress(zlib.error):
                for at in range(len(data)):
                    if text := before.decompress(data[at : at + 1]):
                        yield text
            if "data check" in str(error) or "length check" in str(error):
                raise _Damaged("but its checksum is not that of the text before") from None
            raise _Damaged("but it is damaged here") from None
        data = member.unconsumed_tail
        if text:
            yield text


def check_outputs(outputs: Mapping[str, Path | None], inputs: Mapping[str, Path] | None = None) -> None:
    """Before any work: outputs that can be written, and that are neither an input nor each other.

    Keys are what the user calls them; None is no file. Devices and pipes may occur more than once. Raises ValueError
    for two that are one file, OSError naming the file that cannot be written.
    """
    seen = {_identity(path): f"{name} {path}" for name, path in (inputs or {}).items()}
    for name, path in outputs.items():
        if path is None:
            continue
        identity = _identity(path)
        if identity in seen and _is_ordinary(path):
            raise ValueError(f"{name} {path}: expected another file than that of {seen[identity]}")
        seen[identity] = f"{name} {path}"
        folder = Path(os.path.realpath(path)).parent
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not folder.is_dir():
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        if not os.access(folder, os.W_OK) if not path.exists() else not os.access(path, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def _identity(path: Path) -> tuple[int, int] | str:
    """Equal for two names of one file, by whatever links."""
    try:
        found = path.stat()
    except OSError:
        return os.path.realpath(path)
    return found.st_dev, found.st_ino


def _is_ordinary(path: Path) -> bool:
    """Whether there is a file of that name, or none yet. Where stdout goes is never one: others write there, too."""
    if path == _STDOUT:
        return False
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there as a whole or not at all; gzipped, without a time stamp, if its name ends in .gz.

    A run that is interrupted, or a disk that is full, leaves what was there before. Raises OSError naming the file, but
    for stdout.
    """
    packed = gzip.compress(data, mtime=0) if path.suffix == ".gz" else data
    try:
        if path == _STDOUT:
            # Opened once more, a redirected stdout would be written from its beginning.
            sys.stdout.flush()
            sys.stdout.buffer.write(packed)
            sys.stdout.buffer.flush()
            return
        if not _is_ordinary(path):
            path.write_bytes(packed)
            return
        target = Path(os.path.realpath(path))
        partial = target.with_name(f".{target.name}.partial")
        try:
            partial.write_bytes(packed)
            if target.exists():
                shutil.copymode(target, partial)
            os.replace(partial, target)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
    except OSError as error:
        if path == _STDOUT:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
