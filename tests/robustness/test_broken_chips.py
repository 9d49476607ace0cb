"""Mistakes in the real chip and memory files, one chip file over another: the exact lines."""

from pathlib import Path

import pytest

from cosim.models.chip.spec import ChipSpec
from cosim.models.core.chip_file import CoreChipSpec
from cosim.models.dram.spec import MemorySpec
from cosim.scenario import ScenarioError, load_component

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"

# over chips/pnpu.yaml: (text, expected line)
CHIPS = {
    "an unknown key deep inside": (
        "core:\n  input_memory:\n    bank: 4\n",
        "chip.yaml:4:5: core.input_memory.bank: unknown key; did you mean 'banks'?",
    ),
    "a bare number": (
        "core: {input_memory: {size: 16384}}\n",
        "chip.yaml:2:29: core.input_memory.size: expected a size with its unit, like '64 KiB'; 16384 has none "
        "(units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)",
    ),
    "a unit of something else": (
        "clock: 0.78 V\n",
        "chip.yaml:2:8: clock: unknown unit 'V' for a frequency; known: GHz, Hz, MHz, kHz",
    ),
    "no lanes": ("core:\n  lanes: 0\n", "chip.yaml:3:10: core.lanes: must be at least 1, got 0"),
    "a window that no core has": (
        "core:\n  window: 1048577\n",
        "chip.yaml:3:11: core.window: must be at most 1048576, got 1048577",
    ),
    "a latency that no core has": (
        "core:\n  lane_latency: 1048577\n",
        "chip.yaml:3:17: core.lane_latency: must be at most 1048576, got 1048577",
    ),
    "a coarse unit that would fill the memory": (
        "core:\n  coarse_unit: [4097, 4]\n",
        "chip.yaml:3:17: core.coarse_unit[0]: must be at most 4096, got 4097",
    ),
    "banks that no core waits at": (
        "core:\n  banks: conflict\n  input_memory: {size: 64 MiB, banks: 65537}\n",
        "chip.yaml:3:10: core.banks: input_banks: expected 1 to 65536, got 65537",
    ),
    "groups that do not fit": (
        "core:\n  group: 7\n",
        "chip.yaml:3:10: core.group: 64 lanes do not divide into groups of 7",
    ),
    "an unknown operand": (
        "core:\n  skip:\n    ff:\n      - {operands: [inputs]}\n",
        "chip.yaml:5:21: core.skip.ff[0].operands[0]: unknown name 'inputs'; did you mean 'input'?",
    ),
    "a mesh that is too small": (
        "noc: {mesh: [2, 2]}\n",
        "chip.yaml:2:13: noc.mesh: 2 x 2 nodes, but 16 cores, aggregator, vector unit and pruning unit need 19",
    ),
    "buffers that no router has": (
        "noc: {buffer: 300}\n",
        "chip.yaml:2:15: noc.buffer: 300: expected 1 to 255",
    ),
    "a mesh that is too large": (
        "noc: {mesh: [300, 300]}\n",
        "chip.yaml:2:13: noc.mesh: 300x300: expected at least 1x1 and at most 65536 nodes",
    ),
    "a name where true or false is expected": (
        "ideal_sram: on\n",
        "chip.yaml:2:13: ideal_sram: expected true or false, got the text 'on'; YAML 1.2 has only true and false",
    ),
    "a free multiply-accumulate": (
        "energy: {extends: energy/lp65.yaml, elements: {mac.fp8: {energy: 0 fJ, low: 0 fJ, high: 0 fJ}}}\n",
        "chip.yaml:2:77: energy.elements.mac.fp8.low: no action is free: expected more than 0 fJ",
    ),
    "a queue that may be free": (
        "energy: {extends: energy/lp65.yaml, elements: {queue.bit: {low: 0 fJ}}}\n",
        "chip.yaml:2:65: energy.elements.queue.bit.low: no action is free: expected 0 fJ, all three, of a core that "
        "lacks it, or more",
    ),
    "memories that may be free": (
        "energy: {extends: energy/lp65.yaml, sram: {low_percent: 0}}\n",
        "chip.yaml:2:57: energy.sram.low_percent: must be at least 1, got 0",
    ),
    "a word that no table has": (
        "storage: {word: 136 bit}\n",
        "chip.yaml:2:17: storage.word: word_bits 136: expected 1 to 128 at 65 nm lop; build wider words of several "
        "banks side by side",
    ),
    "a node that no table has": (
        "energy: {extends: energy/lp65.yaml, sram: {node: 45 nm}}\n",
        "chip.yaml:2:50: energy.sram.node: no energies are tabulated of 45 nm lop; there are 65 nm hp, 65 nm lop, "
        "65 nm lstp, 28 nm hp, 28 nm lop, 28 nm lstp",
    ),
    "a bank that no table has": (
        "core: {input_memory: {size: 64 MiB, banks: 1}}\n",
        "chip.yaml:2:22: core.input_memory: capacity_bytes 67108864: expected 1 to 262144; build larger memories of "
        "several banks",
    ),
    "an operating point that energies do not scale to": (
        "operating_points: {turbo: {clock: 100 MHz, noc_clock: 400 MHz, voltage: 2 V}}\noperating_point: turbo\n",
        "chip.yaml:2:73: operating_points.turbo.voltage: expected 600 to 1300 mV, which energies can be scaled to",
    ),
    "an operating point without a name": (
        'operating_points: {"": {clock: 100 MHz, noc_clock: 400 MHz, voltage: 1 V}}\n',
        "chip.yaml:2:24: operating_points.: an operating point needs a name",
    ),
}


@pytest.fixture
def error_of(tmp_path, monkeypatch):
    (tmp_path / "chips").symlink_to(SCENARIOS / "chips")
    (tmp_path / "energy").symlink_to(SCENARIOS / "energy")
    monkeypatch.chdir(tmp_path)

    def load(text, model):
        (tmp_path / "chip.yaml").write_text(text)
        with pytest.raises(ScenarioError) as caught:
            load_component("chip.yaml", model)
        return str(caught.value).splitlines()

    return load


@pytest.mark.parametrize("name", ["window", "queue", "macs_per_lane", "run_ahead", "coarse_jump", "pixel_reuse"])
def test_the_largest_core_is_one_that_the_engine_takes(name):
    chip = load_component(SCENARIOS / "chips/pnpu.yaml", ChipSpec, [f"core.{name}=1048576"])
    assert getattr(chip.core.params(), name) == 1048576


@pytest.mark.parametrize("case", CHIPS)
def test_broken_chip(case, error_of):
    text, expected = CHIPS[case]
    assert error_of("extends: chips/pnpu.yaml\n" + text, ChipSpec) == [expected]


def test_broken_memory(error_of):
    (line,) = error_of("preset: DDR9\n", MemorySpec)
    assert line.startswith("chip.yaml:1:9: preset: unknown preset 'DDR9'; there are ")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("preset: DDR9\nscheduler: fcfs\nranks: 16\nt_ck: 0 ps\npage: shut\n", "preset scheduler ranks t_ck page"),
        ("preset: ddr4_2400\nmapping: m3\nranks: 3\nrefresh: per-bank\n", "mapping ranks refresh"),
    ],
)
def test_all_mistakes_of_a_memory_are_told_at_once(text, fields, error_of):
    assert [line.split(": ")[1] for line in error_of(text, MemorySpec)] == fields.split()


@pytest.mark.parametrize("file", sorted((SCENARIOS / "chips").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_chips_are_sound(file):
    """Each file of scenarios/chips is a whole chip, or no more than a core of some kind, and says where it is from."""
    only_a_core = "\n  kind: " in file.read_text()
    assert load_component(file, CoreChipSpec if only_a_core else ChipSpec).provenance
