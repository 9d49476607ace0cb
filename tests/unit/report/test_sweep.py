"""The report of a sweep: a row a point, and a plot over the one parameter that is a number."""

import pytest

from cosim.registry import Registry
from cosim.report import Figure, LinePlot, Note, Report, Series, html_page, sweep_report
from cosim.scenario import Parameter, PointFailure, PointResult, ScenarioSpec, SweepResult, load_scenario, run_sweep


def report(result):
    cycles = 1000 // result.seed
    return Report(
        result.name,
        figures=[
            Figure("cycles", cycles),
            Figure("accuracy", None, "%"),  # no point has it: no column
            Figure("energy", cycles / 8, "nJ"),
        ],
    )


@pytest.fixture
def swept(tmp_path):
    registry = Registry()
    registry.scenario("mine", ScenarioSpec, lambda spec, context: {"thrice": 3 * spec.seed})

    def swept(sweep):
        (tmp_path / "s.yaml").write_text(f"schema_version: 1\nkind: mine\nsweep: {sweep}\n")
        result = run_sweep(load_scenario(tmp_path / "s.yaml", known=registry), tmp_path / "out")
        return result, registry

    return swept


def table_of(shown):
    table = shown.sections[0].blocks[0]
    return [(column.title, column.unit) for column in table.columns], [list(row) for row in table.rows]


def test_one_row_a_point_with_the_headline_figures_of_the_kind(swept):
    result, registry = swept("{description: [a, b], seed: [4, 2, 1]}")
    registry.report("mine", report)
    columns, rows = table_of(sweep_report(result, registry))
    assert columns == [("description", ""), ("seed", ""), ("cycles", ""), ("energy", "nJ")]
    assert rows == [
        ["a", 4, 250, 31.25],
        ["a", 2, 500, 62.5],
        ["a", 1, 1000, 125.0],
        ["b", 4, 250, 31.25],
        ["b", 2, 500, 62.5],
        ["b", 1, 1000, 125.0],
    ]


def test_each_figure_is_plotted_over_the_one_numeric_parameter_a_line_for_each_of_the_others(swept):
    result, registry = swept("{description: [a, b], seed: [4, 2, 1]}")
    registry.report("mine", report)
    shown = sweep_report(result, registry)
    assert [section.title for section in shown.sections] == ["Points", "Over the parameter"]
    cycles, energy = shown.sections[1].blocks
    line = (1.0, 2.0, 4.0), (1000, 500, 250)
    assert cycles == LinePlot(
        "cycles", [Series("description=a", *line), Series("description=b", *line)], "seed", "cycles"
    )
    assert (energy.title, energy.x_label, energy.y_label, energy.y_unit) == ("energy", "seed", "energy", "nJ")
    assert html_page(shown) == html_page(sweep_report(result, registry))


def test_a_figure_that_does_not_move_has_a_column_and_no_plot(swept):
    result, registry = swept("{seed: [4, 2]}")
    registry.report("mine", lambda run: Report("r", figures=[Figure("always", 3), Figure("seed", run.seed)]))
    shown = sweep_report(result, registry)
    assert table_of(shown)[1] == [[4, 3, 4], [2, 3, 2]]
    assert [plot.title for plot in shown.sections[1].blocks] == ["seed"]


def test_without_figures_the_numbers_that_differ_are_shown(swept):
    result, registry = swept("{seed: [1, 2]}")
    assert table_of(sweep_report(result, registry)) == ([("seed", ""), ("thrice", "")], [[1, 3], [2, 6]])

    def broken(result):
        raise KeyError("energy")

    registry.report("mine", broken)
    assert table_of(sweep_report(result, registry)) == ([("seed", ""), ("thrice", "")], [[1, 3], [2, 6]])


def test_a_point_that_failed_has_a_row_without_figures_and_a_note(swept):
    result, registry = swept("{seed: [1, 2]}")
    registry.report("mine", report)
    failed = PointResult({"seed": 3}, "seed=3", None, PointFailure("drained", 3))
    with_it = SweepResult(result.folder, "mine", "s", (Parameter("seed", (1, 2, 3)),), (*result.points, failed))
    shown = sweep_report(with_it, registry)
    assert table_of(shown)[1] == [[1, 1000, 125.0], [2, 500, 62.5], [3, None, None]]
    assert shown.sections[0].blocks[1] == Note("seed=3: drained", "error")
    assert shown.sections[1].blocks[0].series[0].x == (1.0, 2.0)


@pytest.mark.parametrize(
    ("values", "numbers", "unit"),
    [
        ((1, 2.5), [1.0, 2.5], ""),
        (("50 MHz", "300 MHz"), [50.0, 300.0], "MHz"),
        (("10 %", "-2.5 %"), [10.0, -2.5], "%"),
    ],
)
def test_numbers_with_one_unit_are_a_scale(tmp_path, values, numbers, unit):
    (plot,) = plots_over(tmp_path, values)
    assert (list(plot.series[0].x), plot.x_unit) == (sorted(numbers), unit)


@pytest.mark.parametrize("values", [(1, "a"), (True, False), ("1 ns", "1 us"), (3,), ("a.yaml", "b.yaml"), (None, 1)])
def test_other_values_are_no_scale(tmp_path, values):
    assert plots_over(tmp_path, values) == []


def plots_over(tmp_path, values):
    points = tuple(PointResult({"p": value}, f"{i}", {"kind": "x", "y": i}) for i, value in enumerate(values))
    shown = sweep_report(SweepResult(tmp_path, "x", "s", (Parameter("p", values),), points), Registry())
    return list(shown.sections[1].blocks) if len(shown.sections) > 1 else []
