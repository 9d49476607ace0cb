"""Points are run once, kept as soon as they have ended, and run in processes that Ctrl-C does not reach."""

import json
import os
import signal
import subprocess
import sys
from multiprocessing import Pipe, get_context

import pytest
from helpers.chips import chip_spec, memory_spec

from cosim.models.reproduce.layer_points import DENSE, layer_point
from cosim.models.reproduce.points import Point
from cosim.models.reproduce.workers import (
    PointFailedError,
    _born_without_interrupts,
    _serve,
    _worker,
    run_points,
    write_whole,
)
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
    assert json.loads(file.read_bytes())["result"] == first


def test_processes_give_what_one_process_gives(tmp_path):
    wanted = [point(), point("lnpu"), point("dense")]
    assert run_points(wanted, workers=2) == run_points(wanted)


def test_what_goes_wrong_in_a_process_is_raised_here():
    wrong = Point(point().text.replace('"seed": 1', '"seed": "x"'))
    assert wrong != point()
    for workers in (1, 2):
        with pytest.raises(PointFailedError, match=r"PNPU, statistical workload \(a at 1.0 x 1.0\).*seed") as caught:
            run_points([wrong, Point(wrong.text + " ")], workers=workers)
    # The trace is that of the other process, where it happened.
    assert "in simulate" in caught.value.__notes__[0]


def test_a_process_that_is_killed_is_missed():
    with _worker(get_context("spawn")) as worker:
        worker.send(Killed())
        with pytest.raises(
            PointFailedError, match="a killer: a process that simulates was ended from outside by SIGKILL"
        ):
            worker.answer(Killed())
        # Nobody is there any more: said at once, and not as a broken pipe.
        with pytest.raises(PointFailedError, match="ended from outside by SIGKILL"):
            worker.send(Killed())


def test_a_worker_whose_parent_is_gone_ends_without_a_word():
    here, there = Pipe()
    here.send(point())
    here.close()  # before the answer
    _serve(there)


def test_an_exception_that_cannot_travel_is_said_all_the_same():
    with _worker(get_context("spawn")) as worker:
        worker.send(Stubborn())
        with pytest.raises(PointFailedError, match=r"a stubborn one: _UnsendableError: why \+ where"):
            worker.answer(Stubborn())


def test_a_process_of_another_program_is_not_believed(monkeypatch):
    with _worker(get_context("spawn")) as worker:
        worker.send(point())
        monkeypatch.setattr("cosim.models.reproduce.workers.program", lambda: "edited meanwhile")
        with pytest.raises(PointFailedError, match="files changed while it ran"):
            worker.answer(point())


def test_a_point_whose_file_changes_on_the_way_is_not_kept(tmp_path, monkeypatch):
    names = iter(["before", "after"])
    monkeypatch.setattr(Point, "identity", lambda self: next(names))
    with pytest.raises(PointFailedError, match="changed while it was simulated"):
        run_points([point()], tmp_path / "points")
    assert not (tmp_path / "points").exists()


def test_a_file_is_written_as_a_whole(tmp_path, monkeypatch):
    place = tmp_path / "new" / "results.json"
    write_whole(place, b"first")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_whole(place, b"second, cut short")
    assert place.read_bytes() == b"first"


class _UnsendableError(Exception):
    """Does not survive pickling: its arguments are not those that it is made of."""

    def __init__(self, why, where):
        super().__init__(f"{why} + {where}")


class Stubborn:
    """A point with such an error."""

    def __str__(self):
        return "a stubborn one"

    def simulate(self):
        raise _UnsendableError("why", "where")


class Killed:
    """A point that takes its process with it."""

    def __str__(self):
        return "a killer"

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
