import json
import re
from fractions import Fraction
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from cosim import quantity as q


def from_file(annotation: Any, value: Any) -> Any:
    return TypeAdapter(annotation).validate_json(json.dumps(value), strict=True)


def to_file(annotation: Any, value: Any) -> Any:
    return TypeAdapter(annotation).dump_python(value, mode="json")


def message(annotation: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        from_file(annotation, value)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (q.TimePs, "833 ps", 833),
        (q.TimePs, "1.25 ns", 1250),
        (q.TimePs, " 14ns ", 14_000),
        (q.TimePs, "1e3 ns", 1_000_000),
        (q.TimePs, "3 µs", 3_000_000),  # U+00B5
        (q.TimePs, "3 μs", 3_000_000),  # U+03BC
        (q.TimePs, "2000 fs", 2),
        (q.TimePs, "3/2 ns", 1500),
        (q.PeriodPs, "50 MHz", Fraction(20_000)),
        (q.PeriodPs, "300 MHz", Fraction(10_000, 3)),
        (q.PeriodPs, "833 ps", Fraction(833)),
        (q.PeriodPs, "2500/3 ps", Fraction(2500, 3)),
        (q.FrequencyHz, "1.2 GHz", Fraction(1_200_000_000)),
        (q.Bytes, "64 KiB", 65_536),
        (q.Bytes, "64 kB", 64_000),
        (q.Bits, "128 bit", 128),
        (q.Bits, "16 B", 128),
        (q.BytesPerSecond, "12.8 GB/s", Fraction(12_800_000_000)),
        (q.BytesPerSecond, "10 Gbit/s", Fraction(1_250_000_000)),
        (q.Millivolts, "0.78 V", 780),
        (q.Microvolts, "0.78 V", 780_000),
        (q.CurrentUa, "55 mA", 55_000),
        (q.EnergyFj, "0.637 pJ", 637),
        (q.PowerUw, "12.5 mW", 12_500),
        (q.AreaUm2, "5.76 mm2", 5_760_000),
        (q.Ratio, 0.1, Fraction(1, 10)),
        (q.Ratio, "97 %", Fraction(97, 100)),
        (q.Ratio, "1/3", Fraction(1, 3)),
        (q.Ratio, 1, Fraction(1)),
    ],
)
def test_reads_exactly(annotation, text, value):
    read = from_file(annotation, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (q.TimePs, "0.5 ps", "0.5 ps is not a whole number of ps"),
        (q.TimePs, "-1 ns", "-1 ns is negative"),
        (q.TimePs, "14 nS", "unknown unit 'nS' for a time; did you mean 'ns'?"),
        (q.TimePs, "14 MHz", "unknown unit 'MHz' for a time; known: fs, ms, ns, ps, s, us"),
        (q.TimePs, 14, "expected a time with its unit, like '14 ns'; 14 has none (units: fs, ps, ns, us, ms, s)"),
        (q.TimePs, "14", "expected a time with its unit, like '14 ns'; 14 has none (units: fs, ps, ns, us, ms, s)"),
        (q.TimePs, "soon", "expected a time like '14 ns', got 'soon'"),
        (q.TimePs, "1/0 ns", "'1/0 ns' divides by zero"),
        (q.TimePs, None, "expected a time like '14 ns', got nothing"),
        (q.TimePs, True, "expected a time like '14 ns', got a bool"),
        (q.TimePs, "9223372036854775808 ps", "9223372036854775808 ps is too large: at most 2^63 - 1 ps"),
        (q.TimePs, "1e999 s", "expected a time like '14 ns', got '1e999 s'"),
        (q.PeriodPs, "0 MHz", "0 MHz: a clock must run"),
        (q.PeriodPs, "0 ps", "0 ps: a clock must run"),
        (q.PeriodPs, "50 mHz", "unknown unit 'mHz' for a frequency; did you mean 'MHz'?"),
        (q.EnergyFj, "0.6375 pJ", "0.6375 pJ is not a whole number of fJ"),
        (q.Bytes, "1.5 B", "1.5 B is not a whole number of B"),
        (q.Ratio, "101 %", "101 % is not between 0 and 1 (100 %)"),
        (q.Ratio, "half", "expected a share like 0.25, '25 %' or '1/4', got 'half'"),
    ],
)
def test_refuses_with_a_reason(annotation, text, expected):
    assert message(annotation, text) == expected


def test_largest_value_is_the_last_that_fits_64_bits():
    assert from_file(q.TimePs, "9223372036854775807 ps") == 2**63 - 1


def test_python_may_give_the_number_in_the_unit_of_the_type():
    adapter = TypeAdapter(q.TimePs)
    assert adapter.validate_python(14_000) == 14_000
    assert adapter.validate_python("14 ns") == 14_000
    with pytest.raises(ValidationError, match=r"14\.5 is not exact"):
        adapter.validate_python(14.5)
    with pytest.raises(ValidationError, match="is negative"):
        adapter.validate_python(-1)


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (q.TimePs, 0, "0 ps"),
        (q.TimePs, 1250, "1.25 ns"),
        (q.TimePs, 12_345_000, "12.345 us"),
        (q.TimePs, 12_345_600, "12345.6 ns"),
        (q.PeriodPs, Fraction(20_000), "50 MHz"),
        (q.PeriodPs, Fraction(833), "833 ps"),
        (q.PeriodPs, Fraction(10_000, 7), "700 MHz"),
        (q.Bytes, 65_536, "64 KiB"),
        (q.Bytes, 1000, "1000 B"),
        (q.Bits, 128, "128 bit"),
        (q.EnergyFj, 637, "637 fJ"),
        (q.Ratio, Fraction(9, 10), "90 %"),
        (q.Ratio, Fraction(1, 3), "1/3"),
    ],
)
def test_writes_readable_text(annotation, value, text):
    assert to_file(annotation, value) == text


WHOLE = [q.TimePs, q.Bytes, q.Bits, q.Millivolts, q.Microvolts, q.CurrentUa, q.EnergyFj, q.PowerUw, q.AreaUm2]


@given(st.sampled_from(WHOLE), st.integers(0, 2**63 - 1))
def test_whole_quantities_round_trip(annotation, value):
    assert from_file(annotation, to_file(annotation, value)) == value


@given(
    st.sampled_from([q.PeriodPs, q.FrequencyHz, q.BytesPerSecond]),
    st.fractions(Fraction(1, 10**6), 10**12, max_denominator=10**6),
)
def test_exact_quantities_round_trip(annotation, value):
    assert from_file(annotation, to_file(annotation, value)) == value


@given(st.fractions(0, 1))
def test_ratios_round_trip(value):
    if value.denominator < 10**20:
        assert from_file(q.Ratio, to_file(q.Ratio, value)) == value


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_but_nothing_else(text):
    for annotation in (q.TimePs, q.PeriodPs, q.Ratio):
        try:
            from_file(annotation, text)
        except ValidationError:
            continue


def test_bounds_of_a_field_apply_in_its_unit():
    class Timing(BaseModel):
        delay: Annotated[q.TimePs, Field(gt=0, le=5000)]

    assert Timing.model_validate_json('{"delay": "5 ns"}').delay == 5000
    for text in ("0 ps", "5001 ps"):
        with pytest.raises(ValidationError):
            Timing.model_validate_json(json.dumps({"delay": text}))


@pytest.mark.parametrize("annotation", [*WHOLE, q.PeriodPs, q.FrequencyHz, q.BytesPerSecond])
def test_json_schema_examples_are_accepted_and_match_the_pattern(annotation):
    schema = TypeAdapter(annotation).json_schema()
    for example in schema["examples"]:
        assert re.fullmatch(schema["pattern"], example)
        from_file(annotation, example)
    assert not re.fullmatch(schema["pattern"], "14")
    assert schema["x-unit"]


def test_equal_numbers_of_different_quantities_are_written_apart():
    class Both(BaseModel):
        delay: q.TimePs
        size: q.Bytes

    for value, delay, size in ((1000, "1 ns", "1000 B"), (1024, "1.024 ns", "1 KiB"), (1000, "1 ns", "1000 B")):
        assert Both(delay=value, size=value).model_dump(mode="json") == {"delay": delay, "size": size}
