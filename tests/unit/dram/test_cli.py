"""`cosim dram replay` and `cosim dram check`: files in, files and figures out, mistakes named."""

import gzip
import json

import pytest
from typer.testing import CliRunner

from cosim.models.dram import Checker, preset, read_commands
from cosim.models.dram.cli import app

pytestmark = pytest.mark.c_library


def cosim_dram(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "trace.txt"
    path.write_text("".join(f"{'W' if i % 5 == 4 else 'R'} 0x{i * 0x1040:x}\n" for i in range(200)))
    return path


@pytest.mark.parametrize("scheduler", ["fr-fcfs", "fr-fcfs-ramulator1", "bank-round-robin"])
@pytest.mark.parametrize("mode", ["fast", "one"])
def test_what_replay_writes_check_accepts(tmp_path, trace, scheduler, mode):
    commands, latencies = tmp_path / "commands.csv.gz", tmp_path / "latencies.txt"
    result = cosim_dram(
        "replay", trace, "--preset", "lpddr4_3200", "--mapping", "m2", "--scheduler", scheduler, "--mode", mode,
        "--commands", commands, "--latencies", latencies, "--json",
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, f"cosim: wrote {commands}\ncosim: wrote {latencies}\n")
    summary = json.loads(result.stdout)
    assert (summary["reads"], summary["writes"]) == (160, 40)
    clocks = [int(line) for line in latencies.read_text().splitlines()]
    assert len(clocks) == 160
    assert summary["read_latency_clk"]["mean"] == round(sum(clocks) / 160, 3)
    assert min(clocks) >= 44
    lines = gzip.decompress(commands.read_bytes()).decode().splitlines()
    assert lines[0] == "clk,cmd,rank,bg,bank,row,col"
    assert len(lines) - 1 == sum(summary["commands"].values())
    checked = cosim_dram("check", "lpddr4_3200", commands, "--json")
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["commands"] == summary["commands"]
    assert json.loads(checked.stdout)["violations"] == {}


def test_ranks_pages_and_refresh_are_options(tmp_path, trace):
    commands = tmp_path / "commands.csv.gz"
    options = ("--preset", "lpddr4_3200", "--ranks", 2, "--page", "closed", "--refresh", "per-bank")
    result = cosim_dram("replay", trace, *options, "--commands", commands, "--json")
    summary = json.loads(result.stdout)
    assert (summary["ranks"], summary["page"], summary["refresh"]) == (2, "closed", "per-bank")
    assert (summary["reads"], summary["writes"]) == (160, 40)
    assert summary["commands"]["RDA"] > 0
    assert summary["commands"]["REFPB"] > 0
    assert cosim_dram("check", "lpddr4_3200", commands, "--ranks", 2).exit_code == 0
    assert cosim_dram("check", "lpddr4_3200", commands).exit_code == 1


def test_the_text_says_the_same(trace):
    result = cosim_dram("replay", trace)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("200 requests (160 reads, 40 writes), ddr4_2400\nend        clock ")


def test_an_ideal_memory_has_no_bandwidth_of_zero(trace):
    lines = cosim_dram("replay", trace, "--scheduler", "ideal").stdout.splitlines()
    assert lines[1:4] == ["end        clock 0, 0.0 ns", "bandwidth  endless", "commands   none"]


def test_a_request_with_a_clock_waits_for_it(tmp_path):
    path = tmp_path / "trace.txt"
    path.write_text("0x0 READ 100\n0x40 READ 5000\n")
    assert json.loads(cosim_dram("replay", path, "--json").stdout)["end_clk"] == 5000 + 22


@pytest.mark.parametrize("scheduler", ["fr-fcfs", "fr-fcfs-ramulator1", "bank-round-robin"])
def test_the_latest_clock_is_waited_for(tmp_path, scheduler):
    """And nothing is stepped until then, though 6e13 refreshes pass."""
    path = tmp_path / "trace.txt"
    last = (1 << 59) - 1
    path.write_text(f"0x0 READ 5\n0x0 READ {last}\n0x0 READ {last}\n")
    result = json.loads(cosim_dram("replay", path, "--scheduler", scheduler, "--json").stdout)
    assert 22 < result["end_clk"] - last < 1000
    assert result["commands"]["REF"] == pytest.approx(last / preset("ddr4_2400").timing["tREFI"])


def test_a_clock_with_endless_refreshes_before_it_is_refused(tmp_path):
    """Each is a line of the commands: memory and disk would be full of them. Without commands they cost nothing."""
    path, commands = tmp_path / "trace.txt", tmp_path / "commands.csv"
    last = 4_000_000 * 6247 // 16
    path.write_text(f"0x0 READ 5\n0x0 READ {last + 1}\n")
    options = ("--preset", "lpddr4_3200", "--ranks", 2, "--refresh", "per-bank")
    assert cosim_dram("replay", path, *options).exit_code == 0
    result = cosim_dram("replay", path, *options, "--commands", commands)
    expected = f"expected a clock number up to {last}: each refresh until then is told, got '{last + 1}'"
    assert (result.exit_code, result.stderr) == (2, f"cosim dram: {path}:2:10: {expected}\n")
    assert not commands.exists()


def test_a_broken_rule_ends_with_status_1(tmp_path):
    path = tmp_path / "commands.csv"
    path.write_text("clk,cmd,rank,bg,bank,row,col\n1,ACT,0,0,0,7,\n17,RD,0,0,0,7,0\n")
    result = cosim_dram("check", "ddr4_2400", path)
    assert result.exit_code == 1
    assert "clk 17, RD: tRCD ACT-RD bank: ACT at 1, expected at least 17 clocks" in result.stdout
    assert not Checker(preset("ddr4_2400")).feed(read_commands(path)).report.ok


def test_a_report_names_banks_and_units(tmp_path):
    path = tmp_path / "commands.csv"
    path.write_text("clk,cmd,rank,bg,bank,row,col\n1,ACT,1,3,2,7,\n9,ACT,0,1,2,7,\n50,ACT,0,1,2,7,\n9360,REF,0,,,,\n")
    lines = cosim_dram("check", "ddr4_2400", path).stdout.splitlines()
    assert "       8  postponed refreshes, in refreshes" in lines
    there = lines.index("the first two of each broken rule:")
    assert lines[there + 1 :] == [
        "clk 1, ACT: a bank that there is: rank 1, bg 3, bank 2: expected below rank 1, bg 4, bank 4",
        "clk 50, ACT: tRC ACT-ACT bank: ACT at 9, expected at least 56 clocks",
        "clk 50, ACT: ACT on a closed bank: rank 0, bg 1, bank 2 is open",
        "clk 9360, REF: all banks closed at REF: open: rank 0, bg 1, bank 2",
    ]


@pytest.mark.parametrize(("clk", "broken"), [(18719, ["refreshes pulled in"]), (18720, []), (18721, ["postponed"])])
def test_refreshes_may_have_to_be_on_the_clock(tmp_path, clk, broken):
    path = tmp_path / "commands.csv"
    path.write_text(f"clk,cmd,rank,bg,bank,row,col\n9360,REF,0,,,,\n{clk},REF,0,,,,\n28080,REF,0,,,,\n")
    assert cosim_dram("check", "ddr4_2400", path).exit_code == 0
    result = cosim_dram("check", "ddr4_2400", path, "--postponed", 0, "--json")
    assert result.exit_code == bool(broken)
    found = json.loads(result.stdout)["violations"]
    assert all(any(name.startswith(each) for name in found) for each in broken)
    assert bool(found) == bool(broken)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "ddr4_2400", "TRACE", "--postponed", "-1"], "cosim dram: --postponed -1: expected 0 or more"),
        (["replay", "none.txt"], "cosim dram: none.txt: No such file or directory"),
        (["replay", "TRACE", "--mode", "slow"], "cosim dram: --mode 'slow': expected one of fast, one"),
        (["replay", "TRACE", "--preset", "ddr9"], "cosim dram: no DRAM preset 'ddr9'; there are ddr4_2400, "),
        (["replay", "TRACE", "--mapping", "m3"], "cosim dram: ddr4_2400: no address mapping 'm3'; there are m1, m2"),
        (["replay", "TRACE", "--scheduler", "x"], "cosim dram: no DRAM scheduler 'x'; there are fr-fcfs, "),
        (["replay", "TRACE", "--page", "shut"], "cosim dram: page 'shut': expected open or closed"),
        (["replay", "TRACE", "--refresh", "per-bank"], "cosim dram: ddr4_2400: DDR4 has no per-bank refresh"),
        (["replay", "TRACE", "--ranks", "3"], "cosim dram: ddr4_2400: 3 ranks: expected a power of two up to 8"),
        (["check", "ddr4_2400", "TRACE"], "trace.txt:1:1: expected the header clk,cmd,rank,bg,bank,row,col, got "),
        (["check", "ddr4_2400", "none.csv"], "cosim dram: none.csv: No such file or directory"),
    ],
)
def test_mistakes_end_with_status_2_and_no_traceback(trace, arguments, message):
    result = cosim_dram(*[trace if argument == "TRACE" else argument for argument in arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_address_outside_the_channel_is_named(tmp_path):
    path = tmp_path / "trace.txt"
    path.write_text("R 0x0\n\nR 0x3fffffc0\nR 0x40000000\n")
    result = cosim_dram("replay", path, "--preset", "lpddr4_3200")
    assert result.exit_code == 2
    expected = "expected an address below 0x40000000, the size of the channel, got '0x40000000'"
    assert result.stderr == f"cosim dram: {path}:4:3: {expected}\n"
    assert cosim_dram("replay", path, "--preset", "lpddr4_3200", "--ranks", 2).exit_code == 0


def test_nothing_is_written_over_the_trace_or_over_another_output(tmp_path, trace):
    before = trace.read_bytes()
    link = tmp_path / "link"
    link.symlink_to(trace)
    both = tmp_path / "both"
    for options, message in (
        (["--latencies", trace], f"--latencies {trace}: expected another file than that of the trace {trace}"),
        (["--commands", link], f"--commands {link}: expected another file than that of the trace {trace}"),
        (
            ["--commands", both, "--latencies", both],
            f"--latencies {both}: expected another file than that of --commands {both}",
        ),
        (["--latencies", both / "none"], f"{both}/none: No such file or directory"),
    ):
        result = cosim_dram("replay", trace, *options)
        assert (result.exit_code, result.stderr, result.stdout) == (2, f"cosim dram: {message}\n", "")
    assert trace.read_bytes() == before
    assert not both.exists()


def test_a_command_file_says_what_it_holds(tmp_path):
    path = tmp_path / "commands.csv"
    path.write_bytes(b"")
    result = cosim_dram("check", "ddr4_2400", path)
    assert (result.exit_code, result.stdout) == (2, "")
    header = "clk,cmd,rank,bg,bank,row,col"
    assert result.stderr == f"cosim dram: {path}:1:1: expected the header {header}, got an empty file\n"
    path.write_text(f"{header}\n1,ACT,0,0,0,99999999,\n")
    result = cosim_dram("check", "ddr4_2400", path)
    assert result.exit_code == 1
    assert "clk 1, ACT: a row that there is: row 99999999\n" in result.stdout


def test_a_full_disk_is_told_with_the_file(trace):
    result = cosim_dram("replay", trace, "--latencies", "/dev/full")
    assert (result.exit_code, result.stderr) == (2, "cosim dram: /dev/full: No space left on device\n")
