import builtins
import re
import sys
from html.parser import HTMLParser

import pytest
from unit.report.examples import report

from cosim.report import Column, Note, Report, Section, Table, html_page


@pytest.fixture(scope="module")
def page():
    return html_page(report()).decode()


class Checker(HTMLParser):
    """Every element is closed, every id is unique, every reference inside the page has its target."""

    VOID = ("meta", "wbr", "br")

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.targets = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href"):
                self.targets.append(value)
            self.targets += re.findall(r"url\((#[^)]*)\)", value or "")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed(page):
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    assert {target.lstrip("#") for target in checker.targets} <= set(checker.ids)


def test_the_page_is_self_contained(page):
    assert "<script" not in page and "@import" not in page and "src=" not in page
    outside = set(re.findall(r"https?://[^\s\"'<>]+", page))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names, not addresses


def test_the_same_report_gives_the_same_bytes(page):
    assert html_page(report()).decode() == page


def test_content_is_escaped_and_complete(page):
    assert "<title>Run &amp; run</title>" in page
    assert "core &lt;0&gt;" in page
    for text in ("12.50", "Sparsity", "Units", "not published", "Two inputs.", "How to get this again"):
        assert text in page
    assert page.count("<svg") == 3
    assert "Nothing" not in page  # a section without blocks


def test_plots_follow_the_page_in_colour_and_font(page):
    plots = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert "zeros (%)" in plots and "energy (mJ)" in plots and "simulated time (us)" in plots
    assert "var(--series-0)" in plots and "var(--ink)" in plots
    assert re.findall(r"(?:fill|stroke): ?(#[0-9a-f]{6})", plots) == []
    assert "DejaVu" not in plots


def test_idle_is_grey(page):
    assert '<li style="--paint:var(--series-6)" class="once">idle</li>' in page


def test_without_matplotlib_tables_replace_the_plots(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *arguments, **keywords)

    monkeypatch.delitem(sys.modules, "cosim.report.plots", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    page = html_page(report()).decode()
    assert "<svg" not in page
    assert "matplotlib is not installed" in page
    assert "5.500" in page and "least" in page


def test_what_one_types_is_set_as_such():
    blocks = [Note("with `a: <b>` only"), Table([Column("a")], [["`x`"]], note="see `cosim run`")]
    shown = html_page(Report("run", sections=[Section("s", blocks)])).decode()
    assert "with <code>a: &lt;b&gt;</code> only" in shown
    assert "see <code>cosim run</code>" in shown
    assert "<td>`x`</td>" in shown  # a value is left as it is
