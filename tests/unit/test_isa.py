"""Which instruction set is taken, and what a wrong COSIM_ISA is told."""

import os
import subprocess
import sys

import pytest

from cosim import isa
from cosim.clib import ffi, lib

DOCTOR = [sys.executable, "-c", "from cosim.cli import main; main()", "doctor"]


def run(command, **environment):
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


def test_there_is_always_a_plain_version_and_levels_are_known():
    assert isa.available()[0] == "plain"
    assert set(isa.available()) <= set(isa.LEVELS)
    assert isa.code("plain") == lib.CS_ISA_PLAIN
    assert isa.selected() in isa.available()
    with pytest.raises(KeyError):
        isa.code("sse9")


@pytest.mark.c_library
def test_the_library_refuses_what_is_no_level():
    supported = ffi.new("int32_t *")
    assert lib.cs_isa_supported(lib.CS_ISA_PLAIN, supported) == lib.CS_OK
    assert supported[0] == 1
    for level in (-1, lib.CS_ISA_LEVELS):
        assert lib.cs_isa_supported(level, supported) == lib.CS_EINVAL
    assert lib.cs_isa_supported(lib.CS_ISA_PLAIN, ffi.NULL) == lib.CS_EINVAL


def test_the_environment_chooses_and_doctor_shows_it():
    shown = run(DOCTOR, COSIM_ISA="plain")
    assert "plain (available: plain" in shown.stdout
    best = run(DOCTOR, COSIM_ISA="")
    assert f"{isa.available()[-1]} (available: plain" in best.stdout


def test_a_level_that_is_not_there_is_one_line_and_exit_2():
    refused = run(DOCTOR, COSIM_ISA="avx9000")
    assert refused.returncode == 2
    assert refused.stderr == f"COSIM_ISA: 'avx9000' is not available here; there are {', '.join(isa.available())}\n"
