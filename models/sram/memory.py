"""The shape of an on-chip memory: words, banks, ports, and where a word lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

__all__ = ["MemoryConfig"]


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """A memory of `words` words of `word_bits` bits in `banks` banks of `ports` read-write ports each.

    `interleave` consecutive words share a bank: bank = word // interleave % banks. 1 is low-order interleaving;
    words // banks puts consecutive words into one bank.

    Raises ValueError for a shape that no memory has; words must fill the banks evenly.
    """

    words: int
    banks: int
    ports: int = 1
    word_bits: int = 64
    interleave: int = 1

    def __post_init__(self) -> None:
        for name, value, high in (
            ("words", self.words, lib.CS_SRAM_MAX_WORDS),
            ("banks", self.banks, lib.CS_SRAM_MAX_BANKS),
            ("ports", self.ports, lib.CS_SRAM_MAX_PORTS),
            ("word_bits", self.word_bits, 1 << 20),
            ("interleave", self.interleave, lib.CS_SRAM_MAX_WORDS),
        ):
            if not 1 <= value <= high:
                raise ValueError(f"{name} {value}: expected 1 to {high}")
        if self.words % (self.banks * self.interleave):
            raise ValueError(
                f"words {self.words}: expected a multiple of banks x interleave = {self.banks} x {self.interleave}"
            )

    @property
    def bytes(self) -> int:
        """Capacity in bytes, rounded down."""
        return self.words * self.word_bits // 8

    def locate(self, word: int) -> tuple[int, int]:
        """(bank, row) of a word: a bijection onto banks x (words / banks) rows."""
        if not 0 <= word < self.words:
            raise ValueError(f"word {word}: expected 0 to {self.words - 1}")
        block, offset = divmod(word, self.interleave)
        return block % self.banks, block // self.banks * self.interleave + offset

    def word_at(self, bank: int, row: int) -> int:
        """The word at (bank, row)."""
        if not (0 <= bank < self.banks and 0 <= row < self.words // self.banks):
            raise ValueError(f"bank {bank}, row {row}: expected {self.banks} banks of {self.words // self.banks} rows")
        block, offset = divmod(row, self.interleave)
        return (block * self.banks + bank) * self.interleave + offset

    def check_range(self, first_word: int, words: int) -> None:
        """Raise ValueError unless the range is not empty and lies in the memory."""
        if words < 1 or first_word < 0 or first_word + words > self.words:
            raise ValueError(
                f"words {first_word} to {first_word + words - 1}: expected a range in 0 to {self.words - 1}"
            )

    def share(self, first_word: int, words: int) -> npt.NDArray[np.int64]:
        """[bank] accesses to `words` words from `first_word` on."""
        self.check_range(first_word, words)
        accesses = np.zeros(self.banks, np.int64)
        c_memory = ffi.new("cs_sram_memory *", self.c_fields())
        pointer = as_buffer(accesses, "int64_t", np.int64, "accesses", writable=True)
        check("cs_sram_share", lib.cs_sram_share(c_memory, first_word, words, pointer, self.banks))
        return accesses

    def c_fields(self) -> dict[str, int]:
        """What the C record cs_sram_memory holds of this."""
        return {"banks": self.banks, "ports": self.ports, "words": self.words, "interleave": self.interleave}
