"""Costs of vector work and of adding partial sums, by hand."""

from cosim.models.fabric import Access
from cosim.models.vector import aggregation_work, vector_work


def test_vector_work() -> None:
    work = vector_work(257, 129, 128, lanes=256, word_bits=128, memory=3, client=1)
    assert work.cycles == 2
    assert work.accesses == (Access(3, 1, 2), Access(3, 1, 1, is_write=True))
    assert work.counts == (("vector.op", 257),)
    assert vector_work(256, 0, 0, lanes=256, word_bits=128, memory=3, client=1).cycles == 1


def test_the_first_partial_sum_is_only_written() -> None:
    first = aggregation_work(65, 32, first=True, lanes=64, word_bits=128, memory=0, client=0)
    assert first.cycles == 2
    assert first.accesses == (Access(0, 0, 17), Access(0, 0, 17, is_write=True))
    assert first.counts == (("aggregator.add", 0),)


def test_the_next_reads_the_sum_so_far_besides() -> None:
    later = aggregation_work(64, 32, first=False, lanes=64, word_bits=128, memory=0, client=0)
    assert later.cycles == 1
    assert later.accesses == (Access(0, 0, 32), Access(0, 0, 16, is_write=True))
    assert later.counts == (("aggregator.add", 64),)
