"""`cosim core replay`: any layers on any chip's core, as a table or as JSON; mistakes named."""

import json
import re

import pytest
from helpers.chips import SCENARIOS
from helpers.published import published, scnn_table
from typer.testing import CliRunner

from cosim.cli.app import app

pytestmark = pytest.mark.c_library

CHIPS = SCENARIOS / "chips"


def replay(*arguments):
    return CliRunner().invoke(app, ["core", "replay", *map(str, arguments)])


def summary(*arguments):
    done = replay(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def layers(tmp_path):
    path = tmp_path / "layers.json"
    shape = {"c": 16, "h": 8, "w": 8, "k": 32, "r": 3, "s": 3, "pad": 1}
    path.write_text(
        json.dumps(
            {
                "conv": {"shape": shape, "x": 0.4, "w": {"density": 0.3, "coarse": 0.5}, "dy": 0.5},
                "point": {"shape": shape | {"r": 1, "s": 1, "pad": 0}, "x": 0.4, "w": 0.3},
            }
        )
    )
    return path


@pytest.mark.parametrize("file", [published("eyeriss_v2_pe_layers.json")])
def test_published_cycles_of_the_eyeriss_v2_pe_come_out_exactly(file):
    result = summary(file, "--chip", CHIPS / "eyeriss_v2_pe.yaml")
    cycles = {row["layer"]: row["cycles"] for row in result["layers"]}
    assert {name: cycles[name] for name in ("L07", "L09", "L13", "L19")} == {
        "L07": 1_702_140,
        "L09": 1_499_682,
        "L13": 1_144_158,
        "L19": 1_457_458,
    }
    assert list(cycles) == ["L07", "L09", "L13", "L19", "L21", "L23", "L25", "L27"]
    for row in result["layers"]:
        assert row["cycles"] == row["macs"] == row["events"]["weight_reads"]
        assert row.get("published_cycles", row["cycles"]) == row["cycles"]
        assert row["macs"] + sum(row["skipped"].values()) == row["dense_macs"]


@pytest.mark.parametrize("file", [published("scnn_layer_densities.csv")])
@pytest.mark.parametrize(
    ("layers", "network", "speed_up"),
    [
        ("ALEX_*", "AlexNet", 2.1939),
        pytest.param("VGG_*", "VGG16", 3.9468, marks=pytest.mark.slow),
        ("inception_*", "GoogLeNet", 2.056),
    ],
)
def test_scnn_over_dcnn_is_within_the_seeds_of_the_documentation(file, layers, network, speed_up):
    """Masks of the command's own: they differ from the page's means by less than the 1.5 % that the page says. Whether
    the page has the study's figures, tests/unit/studies/test_scnn.py asks."""
    chips = ("--chip", CHIPS / "scnn.yaml", "--baseline", CHIPS / "dcnn.yaml")
    result = summary(file, *chips, "--layers", layers)
    assert result["total"]["speed_up"] == speed_up
    assert speed_up == pytest.approx(float(scnn_table()[network][1]), rel=0.01)
    for row in result["layers"]:
        assert row["macs"] + sum(row["skipped"].values()) == row["dense_macs"]


@pytest.mark.parametrize("file", [published("scnn_layer_densities.csv")])
def test_the_sparsest_of_the_documentation_s_sweep(file):
    chips = ("--chip", CHIPS / "scnn.yaml", "--baseline", CHIPS / "dcnn.yaml")
    result = summary(file, *chips, "--layers", "inception*", "--density", 0.1)
    steps = sum(row["events"]["steps"] for row in result["layers"])
    section = (CHIPS.parents[1] / "docs/cores.md").read_text().split("All densities of GoogLeNet", 1)[1]
    rows = dict(
        re.findall(r"^\| (speed-up over DCNN|the same if no PE ever waited) \| ([0-9.]+) \|", section, re.MULTILINE)
    )
    assert rows["speed-up over DCNN"] == f"{result['total']['speed_up']:.1f}"
    assert rows["the same if no PE ever waited"] == f"{result['total']['baseline_cycles'] * 64 / steps:.1f}"
    assert f"uses {result['total']['macs'] / steps:.1f} of its 16 multipliers" in section
    assert f"{1 - steps / (64 * result['total']['cycles']):.0%}".replace("%", " %") in section


def test_a_synthetic_layer_of_known_counts(tmp_path):
    path = tmp_path / "counts.json"
    counts = {"C": 3, "M": 5, "E": 2, "F": 2, "nnz_iact_per_channel": [3, 4, 0], "nnz_weight_per_channel": [2, 5, 3]}
    path.write_text(json.dumps({"L": counts}))
    (row,) = summary(path, "--chip", CHIPS / "eyeriss_v2_pe.yaml")["layers"]
    assert row["cycles"] == row["macs"] == 3 * 2 + 4 * 5
    assert row["events"] == {"input_reads": 7, "weight_reads": 26}
    assert row["skipped"] == {
        "skipped_input": 1 * 2 + 0 * 5 + 4 * 3,
        "skipped_other": 3 * 3 + 4 * 0 + 0 * 2,
        "skipped_both": 1 * 3 + 0 + 4 * 2,
    }
    two = summary(path, "--chip", CHIPS / "eyeriss_v2_pe.yaml", "--set", "core.macs_per_cycle=2")
    assert two["layers"][0]["cycles"] == 3 * 1 + 4 * 3


@pytest.mark.parametrize("chip", ["pnpu", "lnpu", "dense", "scnn", "dcnn", "systolic_os", "systolic_ws"])
def test_every_chip_runs_what_its_core_is_modelled_for(layers, chip):
    result = summary(layers, "--chip", CHIPS / f"{chip}.yaml")
    stages = [(row["layer"], row["stage"]) for row in result["layers"]]
    inference = chip in ("scnn", "dcnn")
    assert stages == [("conv", s) for s in (["ff"] if inference else ["ff", "bp", "wg"])] + [("point", "ff")]
    for row in result["layers"]:
        assert row["cycles"] > 0
        assert row["macs"] + sum(row["skipped"].values()) == row["dense_macs"]
        assert 0 < row["utilisation"] <= 1
    assert result["total"]["cycles"] == sum(row["cycles"] for row in result["layers"])
    assert result["schema_version"] == 1


def test_sparse_chips_multiply_what_their_policies_say(layers):
    of = {name: summary(layers, "--chip", CHIPS / f"{name}.yaml")["layers"] for name in ("pnpu", "lnpu", "scnn")}
    assert of["pnpu"][0]["macs"] == of["scnn"][0]["macs"]  # pairs of non-zeros
    assert of["pnpu"][0]["way"] == "input+weight (fine, coarse)"
    assert of["pnpu"][0]["skipped"]["skipped_coarse"] > 0
    assert of["lnpu"][0]["macs"] > of["pnpu"][0]["macs"]
    assert of["lnpu"][0]["skipped"].keys() == {"skipped_input"}


def test_a_baseline_gives_speed_ups(layers):
    result = summary(layers, "--chip", CHIPS / "pnpu.yaml", "--baseline", CHIPS / "dense.yaml", "--stage", "wg")
    (row,) = result["layers"]
    assert row["stage"] == "wg"
    assert row["speed_up"] == round(row["baseline_cycles"] / row["cycles"], 4) == result["total"]["speed_up"]
    assert row["speed_up"] > 1
    assert replay(layers, "--chip", CHIPS / "pnpu.yaml", "--stage", "wg", "--layers", "point").exit_code == 2
    same = summary(layers, "--chip", CHIPS / "dense.yaml", "--baseline", CHIPS / "dense.yaml")
    assert same["total"]["speed_up"] == 1


def test_the_same_seed_gives_the_same_bytes_and_another_other_masks(layers):
    arguments = [layers, "--chip", CHIPS / "pnpu.yaml", "--json"]
    assert replay(*arguments).stdout == replay(*arguments).stdout
    assert summary(*arguments[:-1])["total"]["macs"] != summary(*arguments[:-1], "--seed", 2)["total"]["macs"]


def test_a_density_for_all(layers):
    result = summary(layers, "--chip", CHIPS / "scnn.yaml", "--density", 1.0, "--layers", "conv")
    assert result["total"]["macs"] == result["total"]["dense_macs"]


def test_the_table_has_cycles_skips_and_events(layers):
    done = replay(layers, "--chip", CHIPS / "scnn.yaml", "--baseline", CHIPS / "dcnn.yaml")
    assert done.exit_code == 0
    head = next(line for line in done.stdout.splitlines() if line.startswith("layer"))
    for title in (
        "stage",
        "cycles",
        "of dense (%)",
        "utilisation (%)",
        "input zero (%)",
        "DCNN cycles",
        "speed-up (x)",
    ):
        assert title in head
    for text in ("on SCNN", "total", "stalls", "placeholders", "core.bank_queue"):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"L": {"shape": {"c": 3, "k": 2}, "x": 0.5, "ww": 0.5}}', ":1:45: L.ww: unknown key; did you mean 'w'?"),
        ('{"L": {"shape": {"c": 3, "k": 2}, "x": 0.5, "w": 2}}', ":1:50: L.w: must be at most 1.0, got 2"),
        ("{", ":1:2: not YAML: expected the node content, but found '<stream end>'"),
        (
            '{"L": {"shape": {"c": 3, "k": 2}, "x": 0.5, "dy": 0.5}}',
            ":1:7: L: no stage to run: it has operands for wg, the core runs ff",
        ),
        (
            '{"L": {"shape": {"c": 3, "h": 3, "w": 3, "k": 2, "r": 3, "s": 3}, "x": 0.5, "w": 0.5}}',
            ":1:7: L: stage ff: modelled for pointwise layers only: r = s = stride = groups = 1, pad = 0",
        ),
    ],
)
def test_mistakes_end_with_their_place_and_exit_code_2(tmp_path, text, message):
    path = tmp_path / "layers.json"
    path.write_text(text)
    done = replay(path, "--chip", CHIPS / "eyeriss_v2_pe.yaml")
    assert done.exit_code == 2
    assert f"{path}{message}" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_files_that_are_not_there(layers, tmp_path):
    done = replay(layers, "--chip", tmp_path / "no.yaml")
    assert (done.exit_code, done.stderr) == (2, f"{tmp_path}/no.yaml: no such file\n")
    for name in ("no.json", "no.csv"):
        done = replay(tmp_path / name, "--chip", CHIPS / "pnpu.yaml")
        assert done.exit_code == 2
        assert "no such file" in done.stderr.lower()


@pytest.mark.parametrize("chip", ["pnpu", "dense", "scnn", "systolic_os"])
def test_a_layer_that_sees_nothing_but_padding(tmp_path, chip):
    path = tmp_path / "layers.json"
    path.write_text('{"L": {"shape": {"c": 8, "k": 8, "pad": 1, "stride": 2}, "x": 0.5, "w": 0.5}}')
    done = replay(path, "--chip", CHIPS / f"{chip}.yaml", "--baseline", CHIPS / "dense.yaml")
    if chip == "scnn":
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.endswith(": L: stage ff: modelled for stride 1 and groups 1, got 2 and 1\n")
    else:
        assert done.exit_code == 0, done.stderr
        assert "total" in done.stdout


def test_a_number_that_no_core_has(layers):
    done = replay(layers, "--chip", CHIPS / "pnpu.yaml", "--set", "core.window=1000000000000")
    assert done.exit_code == 2
    assert done.stderr.endswith("core.window: must be at most 1048576, got 1000000000000\n")


def grid(*arguments):
    return CliRunner().invoke(app, ["core", "grid", *map(str, arguments)])


@pytest.mark.parametrize(
    ("chip", "message"),
    [
        ("scnn", "cosim core: SCNN is not modelled for bp and wg, which the grid has\n"),
        ("eyeriss_v2_pe", "cosim core: Eyeriss v2 PE is not modelled for bp and wg, which the grid has\n"),
    ],
)
def test_a_grid_with_a_chip_that_cannot_run_it_leaves_nothing(tmp_path, chip, message):
    done = grid(CHIPS / "pnpu.yaml", CHIPS / f"{chip}.yaml", "--out", tmp_path / "g")
    assert (done.exit_code, done.stderr) == (2, message)
    assert list(tmp_path.iterdir()) == []


def test_a_grid_is_not_run_for_a_file_in_the_place_of_its_folder(tmp_path):
    (tmp_path / "f").write_text("")
    for out in ("f", "f/g"):
        done = grid(CHIPS / "pnpu.yaml", CHIPS / "dense.yaml", "--out", tmp_path / out)
        assert (done.exit_code, done.stderr) == (2, f"cosim core: {tmp_path / 'f'}: not a folder\n")


OTHERS = [
    ("quickstart", "4:1: seems to be a scenario"),
    ("sweep_lanes", "4:1: seems to be a scenario"),
    ("workloads/digits_cnn", "2:1: seems to be a workload (functional)"),
    ("networks/lenet5", "2:1: seems to be a network"),
    ("schedules/none", "2:1: seems to be a schedule (none)"),
    ("energy/lp65", "4:1: seems to be an energy table"),
]


@pytest.mark.parametrize(("name", "what"), [*OTHERS, ("chips/pnpu", "4:1: seems to be a chip")])
def test_a_file_of_something_else_is_no_file_of_layers(name, what):
    file = SCENARIOS / f"{name}.yaml"
    done = replay(file, "--chip", CHIPS / "pnpu.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    expected = "layers by their names, each with shape and two of x, w, dy"
    assert done.stderr == f"{file}:{what}; expected {expected}\n"


@pytest.mark.parametrize(("name", "what"), OTHERS)
def test_a_file_of_something_else_is_no_chip(name, what, layers):
    file = SCENARIOS / f"{name}.yaml"
    done = replay(layers, "--chip", file)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"{file}:{what}; expected a chip\n"


def test_a_chip_of_the_other_kind_is_a_chip(layers, tmp_path):
    """With the mistake that is in it."""
    chip = tmp_path / "chip.yaml"
    chip.write_text("name: a\nclock: 1 GHz\ncore: {lanes: 4}\nprovenance: {}\n")
    done = replay(layers, "--chip", chip)
    assert done.stderr.startswith(f"{chip}:1:1: lacks voltage, aggregator, ")
