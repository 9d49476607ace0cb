"""Twenty-odd ways to get a training scenario wrong: each ends `cosim check` and `cosim run` with the exact lines."""
# ruff: noqa: E501  (an expected line is one line)

import re
from pathlib import Path

import numpy as np
import pytest
from robustness.plugin import cosim

from cosim.scenario import ScenarioError, load_scenario

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"

GOOD = {
    "schema_version": "1",
    "kind": "training",
    "chip": "chips/pnpu.yaml",
    "memory": "memories/lpddr4_3200.yaml",
    "workload": "workloads/digits_cnn.yaml",
    "pruning": "schedules/scfp.yaml",
    "simulate": "{every: 100}",
}
CHIP = "{extends: chips/pnpu.yaml, %s}"
WORK = "{extends: workloads/digits_cnn.yaml, %s}"
NET = WORK % "network: {name: n, input: {height: 8, width: 8, channels: 1}, layers: [%s]}"
STAT = "{fidelity: statistical, iterations: 20, layers: [%s]}"

# name: (changed keys, lines)
BROKEN = {
    "unknown key": ({"simulat": "{every: 2}"}, ["s.yaml:8:1: simulat: unknown key; did you mean 'simulate'?"]),
    "wrong unit": (
        {"chip": CHIP % "voltage: 50 MHz"},
        ["s.yaml:3:43: chip.voltage: unknown unit 'MHz' for a voltage; known: V, mV, uV"],
    ),
    "missing file": ({"memory": "memories/ddr9.yaml"}, ["s.yaml:4:9: memory: memories/ddr9.yaml: no such file"]),
    "negative size": (
        {"chip": CHIP % "core: {input_memory: {size: -16 KiB}}"},
        ["s.yaml:3:62: chip.core.input_memory.size: -16 KiB is negative"],
    ),
    "memory of less than a word a bank": (
        {"chip": CHIP % "core: {input_memory: {size: 64 B}}"},
        ["s.yaml:3:55: chip.core.input_memory: 64 bytes are less than a word of 128 bits in each of 8 banks"],
    ),
    "tile that cannot fit": (
        {"chip": CHIP % "core: {input_memory: {size: 128 B}}", "workload": WORK % "batch: 1"},
        [
            "s.yaml:3:62: chip.core.input_memory.size: layer 'conv3', stage wg: the input rows of one row of dY needs 14 bytes, but half of the memory is 64 bytes, and the mask of needed outputs takes 144"
        ],
    ),
    "layer too wide": (
        {
            "chip": CHIP % "core: {input_memory: {size: 16 KiB}, output_memory: {size: 16 KiB}}",
            "workload": STAT % "{name: wide, c: 4, h: 2, w: 9000, k: 8, r: 1, s: 1}",
            "pruning": "schedules/none.yaml",
        },
        [
            "s.yaml:3:62: chip.core.input_memory.size: layer 'wide', stage wg: the input rows of one row of dY needs 10125 bytes, but half of the memory is 8192 bytes, and the mask of needed outputs takes 1",
            "s.yaml:3:93: chip.core.output_memory.size: layer 'wide', stage ff: one row of outputs needs 36000 bytes, but half of the memory is 8192 bytes",
        ],
    ),
    "wrong type": (
        {"hindsight": "maybe", "simulate": "12"},
        [
            "s.yaml:7:11: simulate: expected a mapping, or the path of a YAML file (*.yaml), got 12",
            "s.yaml:8:12: hindsight: expected true or false, got the text 'maybe'",
        ],
    ),
    "syntax error": (
        {"chip": "[chips/pnpu.yaml"},
        ["s.yaml:4:7: not YAML: expected ',' or ']', but got ':' (while parsing a flow sequence)"],
    ),
    "include loop": (
        {"chip": "loop.yaml"},
        ["pool.yaml:1:10: extends: include loop: s.yaml -> loop.yaml -> pool.yaml -> loop.yaml"],
    ),
    "extends of a missing file": (
        {"chip": "{extends: chips/pnpv.yaml}"},
        ["s.yaml:3:17: chip.extends: chips/pnpv.yaml: no such file"],
    ),
    "filter larger than its input": (
        {"workload": NET % "{kind: conv, channels: 4, kernel: 9}, {kind: linear, channels: 10}"},
        ["s.yaml:5:119: workload.network.layers[0]: layer conv1: a 9x9 filter leaves no output of a 8x8 input"],
    ),
    "residual of another shape": (
        {
            "workload": NET
            % "{kind: conv, name: a, channels: 4, kernel: 3}, {kind: add, other: input}, {kind: linear, channels: 10}"
        },
        [
            "s.yaml:5:166: workload.network.layers[1]: layer add1: adds tensors of different shapes, (6, 6, 4) and (8, 8, 1)"
        ],
    ),
    "classes that the data do not have": (
        {"workload": NET % "{kind: linear, channels: 9}"},
        ["s.yaml:5:119: workload.network.layers[0]: the network has 9 outputs, optical_digits 10 classes"],
    ),
    "images of another size": (
        {"workload": WORK % "network: {extends: networks/digits_cnn.yaml, input: {height: 9}}"},
        ["s.yaml:5:100: workload.network.input: the network reads images (9, 8, 1), optical_digits has (8, 8, 1)"],
    ),
    "batch larger than the data": (
        {"workload": WORK % "batch: 5000"},
        ["s.yaml:5:55: workload.batch: a batch of 5000 is more than the 1347 training images"],
    ),
    "unknown loader": (
        {"workload": WORK % "data: {loader: cifar}"},
        [
            "s.yaml:5:63: workload.data.loader: unknown data loader 'cifar'; there are: cifar100_binary, "
            "cifar10_binary, mnist_idx, npz, optical_digits"
        ],
    ),
    "no archive": (
        {"workload": WORK % "data: {file: junk.npz}"},
        ["s.yaml:5:61: workload.data.file: junk.npz: not a numpy archive (.npz)"],
    ),
    "damaged archive": (
        {"workload": WORK % "data: {file: damaged.npz}"},
        ["s.yaml:5:61: workload.data.file: damaged.npz: Bad CRC-32 for file 'images.npy'"],
    ),
    "archive of something else": (
        {"workload": WORK % "data: {file: other.npz}"},
        ["s.yaml:5:61: workload.data.file: other.npz: no array called images or labels"],
    ),
    "mesh too small": (
        {"chip": CHIP % "noc: {mesh: [4, 4]}"},
        ["s.yaml:3:46: chip.noc.mesh: 4 x 4 nodes, but 16 cores, aggregator, vector unit and pruning unit need 19"],
    ),
    "memory node outside of the mesh": (
        {"chip": CHIP % "noc: {memory_nodes: [4, 20]}"},
        ["s.yaml:3:58: chip.noc.memory_nodes[1]: node 20 is outside of the 5 x 4 mesh"],
    ),
    "more channels than a link can have": (
        {"chip": CHIP % "noc: {vcs: 9}"},
        ["s.yaml:3:45: chip.noc.vcs: 9: expected 1 to 8"],
    ),
    "link of half a byte": (
        {"chip": CHIP % "noc: {flit: 4 bit}"},
        ["s.yaml:3:46: chip.noc.flit: must be whole bytes, got 4 bits"],
    ),
    "more zeros than weights": (
        {"pruning": "{extends: schedules/scfp.yaml, sparsity: 1.2}"},
        ["s.yaml:6:51: pruning.sparsity: must be at most 1.0, got 1.2"],
    ),
    "more zeros than the layers can have": (
        {"pruning": "{extends: schedules/scfp.yaml, sparsity: 1.0}"},
        [
            "s.yaml:6:51: pruning.sparsity: a sparsity of 1.0 is not possible: the layers without one of their own would need 1.003"
        ],
    ),
    "schedule of another network": (
        {"pruning": "{extends: schedules/scfp.yaml, layers: {conv9: 0.5}}"},
        ["s.yaml:6:57: pruning.layers.conv9: pruning names layer 'conv9'; the network has: conv1, conv2, conv3, fc"],
    ),
    "training too short to prune": (
        {
            "pruning": "{extends: schedules/scfp.yaml}",
            "workload": STAT.replace("20", "1") % "{name: a, c: 4, h: 4, w: 4, k: 4, r: 1, s: 1}",
        },
        ["s.yaml:6:10: pruning: 1 iterations leave no room for pruning from 0.1 to 0.7"],
    ),
    "provenance of nothing": (
        {"chip": CHIP % "provenance: {core.lames: 'assumed: why not'}"},
        ["s.yaml:3:59: chip.provenance.core.lames: names no parameter of this chip"],
    ),
    "parameter of no provenance": (
        {"chip": "bare.yaml"},
        ["bare.yaml:2:3: chip.provenance: parameter dma.outstanding has neither a source nor an assumption"],
    ),
    "energy action missing": (
        {"chip": CHIP % "energy: lacking.yaml"},
        ["lacking.yaml:12:3: chip.energy.elements: no energy is given for vector.op"],
    ),
    "lanes that do not divide into groups": (
        {"chip": CHIP % "core: {group: 7}"},
        ["s.yaml:3:48: chip.core.group: 64 lanes do not divide into groups of 7"],
    ),
    "pruning unit too small for a channel": (
        {"chip": CHIP % "pruning_unit: {memory: {size: 256 B}}"},
        [
            "s.yaml:3:64: chip.pruning_unit.memory.size: layer 'conv3': a channel has 288 weights, of a byte each; it must hold one"
        ],
    ),
    "layer without outputs": (
        {"workload": STAT % "{name: a, c: 4, h: 2, w: 2, k: 4, r: 3, s: 3}"},
        ["s.yaml:5:60: workload.layers[0]: a 3x3 filter leaves no output of a 2x2 input"],
    ),
    "several at once, one of them in a baseline": (
        {
            "chip": CHIP % "pruning_unit: {memory: {size: 256 B}}",
            "baselines": "[chips/dense.yaml, {extends: chips/lnpu.yaml, core: {input_memory: {size: 128 B}, output_memory: {size: 48 B, banks: 1}}}]",
            "workload": WORK % "batch: 64",
        },
        [
            "s.yaml:3:64: chip.pruning_unit.memory.size: layer 'conv3': a channel has 288 weights, of a byte each; it must hold one",
            "s.yaml:8:116: baselines[1].core.output_memory.size: layer 'conv1', stage ff: one row of outputs needs 32 bytes, but half of the memory is 24 bytes",
        ],
    ),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    for name in ("chips", "energy", "memories", "networks", "schedules", "workloads", "data"):
        (tmp_path / name).symlink_to(SCENARIOS / name)
    (tmp_path / "loop.yaml").write_text("extends: pool.yaml\n")
    (tmp_path / "pool.yaml").write_text("extends: loop.yaml\n")
    table = re.sub(r"  vector\.op:\n(?:    .*\n)+| *#.*\n", "", (SCENARIOS / "energy/lp65.yaml").read_text())
    (tmp_path / "lacking.yaml").write_text(table)
    chip = (SCENARIOS / "chips/pnpu.yaml").read_text().replace("../energy", "energy")
    body, _, provenance = chip.partition("provenance:\n")
    lines = [line for line in provenance.splitlines(keepends=True) if not line.startswith("  dma:")]
    (tmp_path / "bare.yaml").write_text("provenance:\n" + "".join(lines) + body)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    (tmp_path / "junk.npz").write_text("hello")
    archive = bytearray((SCENARIOS / "data/optical_digits.npz").read_bytes())
    archive[len(archive) // 3] ^= 255
    (tmp_path / "damaged.npz").write_bytes(archive)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, changes):
    (folder / "s.yaml").write_text("".join(f"{key}: {value}\n" for key, value in {**GOOD, **changes}.items()))


def test_the_scenario_itself_is_sound(here):
    write(here, {})
    assert load_scenario("s.yaml").kind.kind == "training"


@pytest.mark.parametrize("case", BROKEN)
def test_broken_training(case, here):
    changes, expected = BROKEN[case]
    write(here, changes)
    with pytest.raises(ScenarioError) as caught:
        load_scenario("s.yaml")
    assert str(caught.value).splitlines() == expected


@pytest.mark.parametrize("case", ["tile that cannot fit", "damaged archive"])
def test_both_commands_say_so_and_leave_nothing(case, here):
    changes, expected = BROKEN[case]
    write(here, changes)
    for command in (["check", "s.yaml"], ["run", "s.yaml", "-o", "out"]):
        done = cosim(*command, site=here, cwd=here)
        assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", expected)
    assert not (here / "out").exists()
