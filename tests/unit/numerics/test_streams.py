"""Named random streams: stable for ever, and independent of each other."""

import numpy as np
import pytest

from cosim.models.numerics.streams import Stream


def test_the_bytes_are_recorded_ones():
    """A change here changes every seeded result there is."""
    assert [hex(word) for word in Stream(1, "weights/conv1").words(2)] == ["0xf7438113b6749c03", "0xbd9efdf002d6ba7c"]


def test_names_and_seeds_give_different_streams_and_repeat():
    first = Stream(1, "a").words(4).tolist()
    assert Stream(1, "a").words(4).tolist() == first
    assert Stream(1, "b").words(4).tolist() != first
    assert Stream(2, "a").words(4).tolist() != first


def test_uniform_numbers_are_in_range_and_even():
    values = Stream(1, "u").uniform(20_000)
    assert values.min() >= 0.0
    assert values.max() < 1.0
    assert abs(values.mean() - 0.5) < 0.01


def test_a_permutation_has_every_number_once():
    assert sorted(Stream(3, "p").permutation(50).tolist()) == list(range(50))
    assert Stream(3, "p").permutation(50).tolist() != list(range(50))


@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_shorts_are_cut_from_words_low_bits_first(count):
    words = [int(word) for word in Stream(1, "s").words(2)]
    expected = [word >> 16 * i & 0xFFFF for word in words for i in range(4)][:count]
    shorts = Stream(1, "s").shorts(count)
    assert (shorts.tolist(), shorts.dtype) == (expected, np.uint16)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match=r"^a seed is not negative, got -1$"):
        Stream(-1, "a")
