import pytest

from cosim.report import Column, Gantt, Series, Span, StackedBars, Table


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Table([Column("a")], [[1], [1, 2]], "t"), "table 't': row 1 has 2 cells, expected 1"),
        (lambda: Series("s", [1, 2], [1]), "series 's': 1 values for 2 x"),
        (lambda: Series("s", [1], [1], [1, 2], [1]), "series 's': 2 values for 1 x"),
        (lambda: StackedBars("b", ["x"], {"p": [1, 2]}, "l"), "part 'p': 2 values for 1 categories"),
        (lambda: StackedBars("b", ["x"], {"p": [-1]}, "l"), "part 'p': a part of a bar cannot be negative"),
        (lambda: Gantt("g", ["a"], [Span("b", 0, 1, "k")], ["k"]), "timeline 'g': unknown lane or kind"),
        (lambda: Gantt("g", ["a"], [Span("a", 0, 1, "q")], ["k"]), "timeline 'g': unknown lane or kind"),
        (lambda: Gantt("g", ["a"], [Span("a", 2, 1, "k")], ["k"]), "ends before it starts"),
    ],
)
def test_what_does_not_fit_together_is_refused(build, message):
    with pytest.raises(ValueError) as caught:
        build()
    assert message in str(caught.value)
