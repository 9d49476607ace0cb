import numpy as np
import pytest

from cosim.scenario import RunContext
from cosim.scenario.context import spawn_key
from cosim.trace import Timeline


def test_a_stream_depends_on_seed_and_name_only():
    alone = RunContext(seed=7).stream("weights").integers(2**63, size=4)
    crowd = RunContext(seed=7)
    for i in range(5):
        crowd.stream(f"other {i}")
    assert np.array_equal(crowd.stream("weights").integers(2**63, size=4), alone)
    assert not np.array_equal(RunContext(seed=8).stream("weights").integers(2**63, size=4), alone)
    assert not np.array_equal(RunContext(seed=7).stream("weight").integers(2**63, size=4), alone)


def test_streams_are_the_same_on_every_machine():
    assert spawn_key("weights") == (0x3890129A, 0xED0AA0D9, 0xEAA7F60C, 0x0AA59C05)
    assert RunContext(seed=1).stream("weights").integers(1000, size=4).tolist() == [90, 456, 412, 505]


def test_a_stream_has_one_user():
    context = RunContext(seed=0)
    context.stream("a")
    with pytest.raises(ValueError, match="random stream 'a' is in use already"):
        context.seed_sequence("a")


def test_progress_is_passed_on_and_optional():
    calls = []
    RunContext(seed=0, progress=lambda *call: calls.append(call)).progress("train", 1, 3)
    RunContext(seed=0).progress("train", 1, 3)
    assert calls == [("train", 1, 3)]


def test_paths_are_relative_to_the_scenario(tmp_path):
    context = RunContext(seed=0, scenario_file=tmp_path / "a.yaml")
    assert context.resolve("x/y") == tmp_path / "x/y"
    assert context.resolve(tmp_path) == tmp_path


def test_files_have_plain_new_names(tmp_path):
    context = RunContext(seed=0, folder=tmp_path)
    with context.open("a.txt") as stream:
        stream.write("µ")
    with context.open("b.bin", "wb") as stream:
        stream.write(b"\xff")
    assert (tmp_path / "a.txt").read_bytes() == "µ".encode()
    assert context.files == ["a.txt", "b.bin"]
    for name in ("a.txt", "../c", "d/e", ".hidden", "summary.json", "manifest.json", "timeline.json"):
        with pytest.raises(ValueError, match="must be a new plain name"):
            context.open(name)
    with pytest.raises(ValueError, match="expected 'w' or 'wb'"):
        context.open("f", "a")
    with pytest.raises(ValueError, match="this run has no folder"):
        RunContext(seed=0).open("a.txt")


def test_a_timeline_keeps_its_exact_text():
    timeline = Timeline()
    timeline.span("chip.core0", "COMPUTE", 1, 9_007_199_254_740_993_000_001)
    context = RunContext(seed=0)
    context.write_timeline(timeline)
    assert context.timeline_json == timeline.to_json().encode()
    assert context.timeline
    context.write_timeline([{"b": 1, "a": 2}])
    assert context.timeline_json == b'[{"a":2,"b":1}]\n'


def test_statistics_are_plain_data():
    context = RunContext(seed=0)
    context.write_statistics({"a": np.arange(2)})
    assert context.statistics == {"a": [0, 1]}
    with pytest.raises(TypeError, match=r"statistics\.a: a set"):
        context.write_statistics({"a": {1}})
