"""Points are run once, kept as soon as they have ended, and run in processes that Ctrl-C does not reach."""

import json
import os
import signal
import subprocess
import sys
from multiprocessing import get_context

import pytest
from helpers.chips import chip_spec, memory_spec

from cosim.models.reproduce.layer_points import DENSE, layer_point
from cosim.models.reproduce.points import Point
from cosim.models.reproduce.workers import _answer, _born_without_interrupts, _worker, run_points
from cosim.models.workload.schema import StatisticalLayer

LAYER = StatisticalLayer(name="a", c=8, h=4, w=4, k=8, r=1, s=1)


def point(chip="pnpu"):
    return layer_point(chip_spec(chip), memory_spec(), LAYER, DENSE, 1)


def test_what_is_kept_is_not_run_again(tmp_path, monkeypatch):
    wanted = [point(), point("lnpu"), point()]
    calls = []
    first = run_points(wanted, tmp_path, progress=lambda *call: calls.append(call))
    assert calls == [("simulating", 0, 2), ("simulating", 1, 2), ("simulating", 2, 2)]
    assert list(first) == [point(), point("lnpu")]
    assert len(list(tmp_path.glob("*.json"))) == 2
    monkeypatch.setattr(Point, "simulate", lambda self: pytest.fail("ran again"))
    assert run_points(wanted, tmp_path) == first


def test_what_has_ended_before_an_interruption_is_kept(tmp_path, monkeypatch):
    simulate, ran = Point.simulate, []

    def interrupted(self):
        if ran:
            raise KeyboardInterrupt
        ran.append(self)
        return simulate(self)

    monkeypatch.setattr(Point, "simulate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_points([point(), point("lnpu")], tmp_path)
    assert [file.suffix for file in tmp_path.iterdir()] == [".json"]
    monkeypatch.setattr(Point, "simulate", simulate)
    results = run_points([point(), point("lnpu")], tmp_path)
    assert [result["chips"][0]["name"] for result in results.values()] == ["PNPU", "LNPU"]


def test_a_file_cut_short_is_run_again(tmp_path):
    (first,) = run_points([point()], tmp_path).values()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert run_points([point()], tmp_path) == {point(): first}
    assert json.loads(file.read_bytes()) == first


def test_processes_give_what_one_process_gives(tmp_path):
    wanted = [point(), point("lnpu"), point("dense")]
    assert run_points(wanted, workers=2) == run_points(wanted)


def test_what_goes_wrong_in_a_process_is_raised_here():
    wrong = Point(point().text.replace('"seed": 1', '"seed": "x"'))
    assert wrong != point()
    with pytest.raises(ValueError, match="seed"):
        run_points([wrong, Point(wrong.text + " ")], workers=2)


def test_a_process_that_is_killed_is_missed():
    with pytest.raises(RuntimeError, match="ended from outside"), _worker(get_context("spawn")) as connection:
        connection.send(Killed())
        _answer(connection)


class Killed:
    """A point that takes its process with it."""

    def simulate(self):
        os.kill(os.getpid(), signal.SIGKILL)


def blocks_interrupts():
    """Of a process started here and now, at its first line."""
    line = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    return subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout == "True\n"


def test_processes_are_started_deaf_to_ctrl_c_which_waits_in_the_first_one():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    reached = []
    try:
        with pytest.raises(KeyboardInterrupt), _born_without_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append(blocks_interrupts())
    finally:
        signal.signal(signal.SIGINT, before)
    assert reached == [True]
    assert not blocks_interrupts()
