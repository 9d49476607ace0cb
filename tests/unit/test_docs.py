"""The pages of docs/ are there, link to each other, run, and list what the packages export."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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
