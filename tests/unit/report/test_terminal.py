import io

from rich.console import Console
from unit.report.examples import report

from cosim.report import Column, Report, Section, Table, print_report

EXPECTED = """\
Run & run
seed 0

elapsed    12.50  ms  simulated
MACs     123 456

Energy
Energy by part
       MAC (mJ)  DRAM (mJ)  idle (mJ)  total (mJ)
pnpu          1          2          0           3
dense         3      2.500          0       5.500
Energy
unit      energy (fJ)  busy (%)
core <0>    1 234 567      12.3
sum         1 234 567
Counts times table.

Training
Sparsity: zeros (%) over iteration
weights  ▁▆█  0 → 75.00 %
inputs   ▁█   40 → 41 %

Trust
Two inputs.
Inputs: assumed and published
input       value  unit    known as   source or reason
chip.queue      8  blocks  assumed    not published
chip.lanes     16          published  the paper
"""


def test_a_pipe_gets_plain_text_and_no_detail():
    stream = io.StringIO()
    print_report(report(detail=True), Console(file=stream))
    lines = [line.rstrip() for line in stream.getvalue().replace("\u202f", " ").splitlines()]
    assert lines == EXPECTED.splitlines()


def test_a_terminal_gets_bold_and_no_color_is_respected(monkeypatch):
    stream = io.StringIO()
    print_report(report(), Console(file=stream, force_terminal=True, width=100, color_system="standard"))
    assert "\x1b[1mRun & run" in stream.getvalue()
    assert "Units: 2 spans on 2 lanes" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    print_report(report(), Console(file=stream, force_terminal=True, width=100, color_system="standard"))
    assert "\x1b[33m" not in stream.getvalue()


def test_the_title_of_a_narrow_table_is_not_folded():
    stream = io.StringIO()
    title = "What a table of two narrow columns is about, said in more words than it is wide"
    table = Table([Column("a"), Column("b")], [[1, 2]], title=title, note="and a note")
    print_report(Report(title="run", subtitle="", figures=[], sections=[Section("s", [table])]), Console(file=stream))
    assert [line.rstrip() for line in stream.getvalue().splitlines()][-4:] == [title, "a  b", "1  2", "and a note"]
