"""Command traces as text, written in C: what a line says, and that nothing is written past the end of the room."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.clib import ffi, lib
from cosim.models.dram import format_commands
from cosim.models.dram.controller import COMMAND_DTYPE
from cosim.models.dram.rules import COMMANDS

pytestmark = pytest.mark.c_library

MOST = 2**31 - 1
LONGEST = (2**63 - 1, COMMANDS.index("REFPB"), MOST, MOST, MOST, MOST, MOST)


def line(record):
    """Fields in the order of the file; the record's are those of COMMAND_DTYPE."""
    clk, command, group, bank, row, column, rank = record
    fields = (rank, group, bank, row, column)
    return ",".join([str(clk), COMMANDS[command], *("" if value < 0 else str(value) for value in fields)]) + "\n"


numbers = st.integers(-1, MOST)
records = st.tuples(
    st.integers(0, 2**63 - 1), st.integers(0, len(COMMANDS) - 1), numbers, numbers, numbers, numbers, numbers
)


@given(st.lists(records, max_size=20))
def test_a_line_says_what_the_record_does(told):
    text = format_commands(np.array(told, dtype=COMMAND_DTYPE)).decode()
    assert text == "clk,cmd,rank,bg,bank,row,col\n" + "".join(map(line, told))


@pytest.mark.parametrize("room", range(len(line(LONGEST)) + 2))
def test_the_longest_line_needs_room_for_all_of_it(room):
    commands = np.array([LONGEST], dtype=COMMAND_DTYPE)
    text = bytearray(b"#" * 200)
    position, used = ffi.new("size_t *"), ffi.new("size_t *")
    pointer = ffi.cast("cs_dram_command *", ffi.from_buffer(commands))
    status = lib.cs_dram_format(pointer, 1, position, ffi.from_buffer(text), room, used)
    assert text[room:] == b"#" * (200 - room)
    fits = room >= len(line(LONGEST))
    assert (status, position[0], used[0]) == ((lib.CS_OK, 1, len(line(LONGEST))) if fits else (lib.CS_FULL, 0, 0))


@pytest.mark.parametrize(("clk", "command"), [(-1, 0), (0, -1), (0, len(COMMANDS))])
def test_what_is_no_command_is_refused(clk, command):
    commands = np.array([(clk, command, 0, 0, 0, 0, 0)], dtype=COMMAND_DTYPE)
    text, position, used = bytearray(200), ffi.new("size_t *"), ffi.new("size_t *")
    pointer = ffi.cast("cs_dram_command *", ffi.from_buffer(commands))
    assert lib.cs_dram_format(pointer, 1, position, ffi.from_buffer(text), 200, used) == lib.CS_EINVAL
