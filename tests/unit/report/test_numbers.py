import pytest

from cosim.report.numbers import format_cell, format_number, format_tick, time_unit, with_unit


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, None, "0"),
        (0.0, None, "0"),
        (1234567, None, "1 234 567"),
        (-1234, None, "−1 234"),
        (12.3456, None, "12.35"),
        (12.3456, 3, "12.3"),
        (123456.7, None, "123 457"),
        (0.00123456, None, "0.001235"),
        (1.5e-9, None, "1.500e−9"),
        (2.5e20, 2, "2.5e20"),
        (10**18, 3, "1.00e18"),
    ],
)
def test_numbers(value, digits, text):
    assert format_number(value, digits).replace("\u202f", " ") == text


def test_cells_ticks_units():
    assert [format_cell(cell) for cell in (None, "a", True, False)] == ["", "a", "yes", "no"]
    assert [format_tick(tick) for tick in (0, 0.30000000000000004, 25.0, 2.5)] == ["0", "0.3", "25", "2.5"]
    assert (with_unit("energy", "pJ"), with_unit("iteration", "")) == ("energy (pJ)", "iteration")


@pytest.mark.parametrize(
    ("largest", "unit"),
    [(0, "ps"), (1999, "ps"), (2000, "ns"), (1_999_999, "ns"), (2_000_000, "us"), (2 * 10**9, "ms"), (2 * 10**12, "s")],
)
def test_time_unit_of_an_axis(largest, unit):
    assert time_unit(largest)[0] == unit
