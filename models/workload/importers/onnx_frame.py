"""The frame of a message of protocol buffers, walked before it is parsed: two bytes of a file can become two hundred.

A message is a row of fields, each a tag (number and wire type) and a value; https://protobuf.dev/programming-guides/encoding.
Which of them are messages themselves is asked of the description that comes with the program, not of the file.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

_WIDTH = {1: 8, 5: 4}  # of the wire types with a fixed length


def fields_of(file: Path, descriptor: Any, most: int) -> int | None:
    """How many fields the message in a file, and all messages in it, have; counted to `most` + 1 at most.

    None where it is no message of this description, or was cut off. What is in its strings and numbers is not read, so
    nothing of its size is taken into memory.
    """
    if not file.stat().st_size:
        return 0
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return _walk(content, descriptor, most)


def _walk(content: mmap.mmap, descriptor: Any, most: int) -> int | None:
    kinds: dict[str, tuple[dict[int, str], Any]] = {}

    def kind(of: Any) -> str:
        """The name of a description whose messages are now known, by field."""
        name = str(of.full_name)
        if name not in kinds:
            kinds[name] = ({}, of)
            for field in of.fields:
                if field.message_type is not None:
                    kinds[name][0][field.number] = kind(field.message_type)
        return name

    at, end, count = 0, len(content), 0
    messages = kinds[kind(descriptor)][0]
    outer: list[tuple[int, dict[int, str]]] = []
    while True:
        while at == end:
            if not outer:
                return count
            end, messages = outer.pop()
        count += 1
        if count > most:
            return count
        tag, at = _varint(content, at, end)
        wire = tag & 7
        if at < 0 or not tag >> 3 or wire in (3, 4, 6, 7):
            return None
        if wire in _WIDTH:
            at += _WIDTH[wire]
        else:
            value, at = _varint(content, at, end)
            if at < 0:
                return None
            if wire == 2:
                inner = messages.get(tag >> 3)
                if at + value > end:
                    return None
                if inner is not None:
                    outer.append((end, messages))
                    end, messages = at + value, kinds[inner][0]
                else:
                    at += value
        if at > end:
            return None


def _varint(content: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first; and where it ends, -1 where it does not."""
    value = 0
    for place in range(10):
        if at + place >= end:
            break
        byte = content[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    return 0, -1
