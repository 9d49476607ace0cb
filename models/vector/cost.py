"""What a tile costs the vector unit and the aggregation core.

Both read their operands from their local memory and write their results back to it, a word at a time.
"""

from __future__ import annotations

from ..fabric import Access, LocalWork


def _words(bits: int, word_bits: int) -> int:
    return -(-bits // word_bits)


def vector_work(
    operations: int, bits_in: int, bits_out: int, *, lanes: int, word_bits: int, memory: int, client: int
) -> LocalWork:
    """`operations` element operations on `bits_in` of operands, giving `bits_out` of results."""
    return LocalWork(
        cycles=-(-operations // lanes),
        accesses=(
            Access(memory, client, _words(bits_in, word_bits)),
            Access(memory, client, _words(bits_out, word_bits), is_write=True),
        ),
        counts=(("vector.op", operations),),
    )


def aggregation_work(
    elements: int, accumulator_bits: int, *, first: bool, lanes: int, word_bits: int, memory: int, client: int
) -> LocalWork:
    """Add one core's partial sums to the tile: read them and the sum so far (not for the `first`), write the sum."""
    words = _words(elements * accumulator_bits, word_bits)
    return LocalWork(
        cycles=-(-elements // lanes),
        accesses=(
            Access(memory, client, words if first else 2 * words),
            Access(memory, client, words, is_write=True),
        ),
        counts=(("aggregator.add", 0 if first else elements),),
    )
