"""The benchmarks are found, and the one of the whole measures the work that it says."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import main, names
from benchmarks.system import in_a_process, simulate_conv
from cosim.models.tensors import ConvShape

CONV2_X = Path(__file__).parents[2] / "scenarios/conv2_x.yaml"


def test_every_part_has_a_benchmark_with_a_main():
    assert names()[0] == "system"
    assert {"core", "dram", "kernel", "noc", "sram"} < set(names())


def test_an_unknown_name_is_refused(capsys):
    assert main(["core", "speed"]) == 2
    assert capsys.readouterr().err.startswith("unknown benchmark 'speed'; there are system, core, ")


def test_conv2_x_is_the_dense_layer():
    forward = ConvShape(n=1, c=64, h=56, w=56, k=64, r=3, s=3, pad=1).macs
    figures = simulate_conv(CONV2_X)
    assert {name: row["macs"] for name, row in figures.items()} == {
        "PNPU, FF": forward,
        "PNPU, iteration": 2 * forward,
        "dense, FF": forward,
        "dense, iteration": 2 * forward,
    }
    assert all(min(row["map_s"], row["run_s"]) > 0 for row in figures.values())


def test_the_figures_are_the_last_line_of_a_process():
    code = "print('working'); print('{\"a\": {\"b\": 1}}')"
    cost = in_a_process([sys.executable, "-c", code])
    assert cost.figures == {"a": {"b": 1}}
    assert cost.seconds > 0
    assert cost.peak_mib > 1


def test_a_process_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        in_a_process([sys.executable, "-c", "raise SystemExit(3)"])
