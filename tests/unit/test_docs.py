"""The pages of docs/ are there, link to each other, run, and list what the packages export."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from robustness.plugin import cosim, install

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
MODELS = [pytest.param(page, marks=pytest.mark.c_library) for page in ("chip-in-simpy", "dram", "noc", "sram")]


@pytest.mark.parametrize("page", ["timing-model", "coming-from-systemc", "coming-from-simpy", *MODELS])
def test_the_examples_of_a_page_run(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    names = {"__name__": "docs"}
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    for block in blocks:
        line = text[: text.index(block)].count("\n")
        exec(compile("\n" * line + block, f"{page}.md", "exec"), names)
    assert any("assert" in block for block in blocks)


BLOCKS = ("python", "toml", "yaml")
SMALL = """\
schema_version: 1
chip: {scenarios}/chips/pnpu.yaml
memory: {scenarios}/memories/ideal.yaml
workload:
  fidelity: statistical
  iterations: 2
  layers: [{{name: conv, c: 8, h: 6, w: 6, k: 16, r: 3, s: 3, pad: 1}}]
"""


@pytest.mark.c_library
def test_the_plug_in_of_the_page_on_pruning_brings_its_schedule(tmp_path):
    """The page's files, installed as the page's pyproject.toml has it, but for pip."""
    text = (DOCS / "pruning.md").read_text(encoding="utf-8").partition("## A schedule of your own")[2]
    blocks = {kind: re.search(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE) for kind in BLOCKS}
    code, project, scenario = (block[1] for block in blocks.values())
    described = tomllib.loads(project)
    ((_, target),) = described["project"]["entry-points"]["cosim.models"].items()
    assert [target.partition(":")[0]] == described["tool"]["setuptools"]["py-modules"]
    install(tmp_path, described["project"]["name"], target)
    (tmp_path / f"{target.partition(':')[0]}.py").write_text(code)
    (tmp_path / "s.yaml").write_text(SMALL.format(scenarios=ROOT / "scenarios") + scenario)

    assert "of the largest magnitude in the layer" in cosim("describe", "threshold", site=tmp_path, cwd=tmp_path).stdout
    assert "my-pruning" in cosim("doctor", site=tmp_path, cwd=tmp_path).stdout
    done = cosim("run", "s.yaml", "--json", "-q", "--no-report", site=tmp_path, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    training = json.loads(done.stdout)["training"]
    assert (training["pruning_events"], training["pruning_operations"]["total"]) == (1, 2 * 16 * 3 * 3 * 8)
    assert 0.3 < training["zero_weights"] < 1


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout of git: nothing is ignored")
def test_what_documented_commands_write_is_ignored_by_git():
    pages = [ROOT / "README.md", *PAGES]
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines() if "cosim " in line]
    written = {
        name
        for line in lines
        for name in re.findall(r"(?: --(?:out|plot|commands|latencies)| >) ([\w./-]+)", line)
        if not name.isupper() and not line.lstrip().startswith("cosim import")  # a source, which one keeps
    }
    assert {"runs/lanes", "curve.png", "scenarios/schema.json"} <= written
    command = ["git", "check-ignore", "--", *written, "scenarios/quickstart.failing.yaml"]
    ignored = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout.split()
    assert set(ignored) == {*written, "scenarios/quickstart.failing.yaml"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_index_names_every_page_and_the_timing_model_first():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([\w-]+\.md)\)", index)
    assert linked[0] == "timing-model.md"
    assert set(linked) == {page.name for page in PAGES} - {"README.md"}


def test_the_reference_is_what_the_docstrings_say():
    """`make docs` writes it."""
    tool = ROOT / "tools" / "kernel_reference.py"
    made = subprocess.run([sys.executable, str(tool)], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert made == (DOCS / "kernel-reference.md").read_text(encoding="utf-8"), "run make docs"
