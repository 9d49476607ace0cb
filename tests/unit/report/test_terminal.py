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
       pnpu (mJ)  dense (mJ)
MAC            1           3
DRAM           2       2.500
idle           0           0
total          3       5.500

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


def test_a_number_is_not_cut_off_where_room_is_short():
    """Its heading folds instead."""
    stream = io.StringIO()
    columns = [Column("what is counted"), *(Column(f"a long heading of column {i}", "mJ") for i in range(3))]
    table = Table(columns, [["a", 0.0004649, 12345, 44.12]])
    console = Console(file=stream, force_terminal=True, width=46, no_color=True)
    print_report(Report(title="run", sections=[Section("s", [table])]), console)
    assert "\u2026" not in stream.getvalue()
    assert stream.getvalue().replace("\u202f", "").splitlines()[-1].split() == ["a", "0.0004649", "12345", "44.12"]
