"""A tornado plot: bars of assumptions about the nominal number."""

from cosim.models.reproduce.tornado import tornado


def test_a_tornado_has_a_bar_for_each_number_and_a_line_at_the_nominal_one():
    svg = tornado("title <1>", "x", 5.0, [("window", [("8", 4.0), ("64", 7.5)]), ("lanes", [("1", None)])])
    assert svg.count("<rect") == 1 + 2  # the paper, and two bars
    assert "title &lt;1&gt;" in svg
    assert "window = 8: 4</title>" in svg
    # From 4 to 7.5 over 510 units: the nominal line at 230 + 1 / 3.5 * 510.
    assert 'x1="375.7" x2="375.7"' in svg
    assert "8: 4; 64: 7.5</text>" in svg
    assert "1: does not fit</text>" in svg
    # Round numbers from 4 to 7.5.
    assert [f">{number} x</text>" in svg for number in ("4", "4.5", "5", "6", "7")] == [True, True, True, True, True]
    assert svg == tornado("title <1>", "x", 5.0, [("window", [("8", 4.0), ("64", 7.5)]), ("lanes", [("1", None)])])


def test_long_units_are_not_beside_every_tick():
    bars = [("a", [("1", 6.5), ("2", 10.0)])]
    ticks = [tornado("t", unit, 8.0, bars).count(f"8 {unit}</text>") for unit in ("x", "TOPS/W")]
    # Of x: a tick and the line that says the nominal number; of TOPS/W: that line alone.
    assert ticks == [2, 1]


def test_there_is_room_for_the_longest_ends():
    """At 11 units a character is about 5.5 wide; it used to be cut off at the right."""
    ends = [("channels_out 2, channels_in 2", 6.5), ("channels_out 8, channels_in 8", 10.0)]
    svg = tornado("t", "x", 8.0, [("schedule.unit", ends)])
    text = "channels_out 2, channels_in 2: 6.5; channels_out 8, channels_in 8: 10"
    assert f">{text}</text>" in svg
    width = int(svg.partition('viewBox="0 0 ')[2].partition(" ")[0])
    assert width >= 750 + 5.5 * len(text)
    assert tornado("t", "x", 8.0, [("a", [("1", 2.0)])]).partition('viewBox="0 0 ')[2].startswith("980 ")
