"""Where words lie: a bijection between words and (bank, row), and the shares of a range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.sram.memory import MemoryConfig

memories = st.builds(
    lambda rows, banks, interleave: MemoryConfig(rows * banks * interleave, banks, interleave=interleave),
    st.integers(1, 6),
    st.integers(1, 7),
    st.integers(1, 5),
)


@given(memories)
def test_words_and_places_correspond_one_to_one(memory):
    places = [memory.locate(word) for word in range(memory.words)]
    assert sorted(places) == [(b, r) for b in range(memory.banks) for r in range(memory.words // memory.banks)]
    assert [memory.word_at(*place) for place in places] == list(range(memory.words))


@given(memories, st.data())
def test_a_range_falls_on_the_banks_of_its_words(memory, data):
    first = data.draw(st.integers(0, memory.words - 1))
    words = data.draw(st.integers(1, memory.words - first))
    banks = [memory.locate(word)[0] for word in range(first, first + words)]
    assert memory.share(first, words).tolist() == np.bincount(banks, minlength=memory.banks).tolist()


def test_low_and_high_order_interleaving():
    assert [MemoryConfig(8, 4).locate(word)[0] for word in range(8)] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert [MemoryConfig(8, 4, interleave=2).locate(word)[0] for word in range(8)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert MemoryConfig(1024, 4, word_bits=128).bytes == 16384


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"words": 0}, "words 0: expected 1 to 1099511627776"),
        ({"banks": 0}, "banks 0: expected 1 to 65536"),
        ({"ports": 65}, "ports 65: expected 1 to 64"),
        ({"interleave": 0}, "interleave 0: expected 1 to 1099511627776"),
        ({"word_bits": 0}, "word_bits 0: expected 1 to 1048576"),
        ({"words": 12}, "words 12: expected a multiple of banks x interleave = 8 x 1"),
    ],
)
def test_a_memory_that_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        MemoryConfig(**{"words": 64, "banks": 8, **fields})


def test_places_that_are_not_there_are_refused():
    memory = MemoryConfig(8, 2)
    with pytest.raises(ValueError, match=r"^word 8: expected 0 to 7$"):
        memory.locate(8)
    with pytest.raises(ValueError, match=r"^bank 2, row 0: expected 2 banks of 4 rows$"):
        memory.word_at(2, 0)
    with pytest.raises(ValueError, match=r"^bank 0, row 4: expected 2 banks of 4 rows$"):
        memory.word_at(0, 4)
    with pytest.raises(ValueError, match=r"^words 7 to 8: expected a range in 0 to 7$"):
        memory.share(7, 2)
