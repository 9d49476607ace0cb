"""The request traces of the recorded simulator runs: deterministic, integer arithmetic only.

20 000 requests of 64 B each; random addresses lie in the first 512 MiB and do not repeat.
"""

from itertools import islice

import numpy as np

LINE = 64
COUNT = 20_000
RANGE = 1 << 29
MASK64 = (1 << 64) - 1


def split_mix_64(seed):
    """Steele, Lea, Flood: Fast splittable pseudorandom number generators (OOPSLA 2014)."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK64
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK64
        yield z ^ (z >> 31)


def _distinct(seed):
    """COUNT addresses, none twice."""
    addresses = {}
    for number in split_mix_64(seed):
        addresses.setdefault(number % (RANGE // LINE) * LINE)
        if len(addresses) == COUNT:
            return list(addresses)
    raise AssertionError


def _coins(seed):
    return ["W" if number & 1 else "R" for number in islice(split_mix_64(seed), COUNT)]


def _banks(preset, mapping, row_and_column):
    geometry = preset.geometry
    address = preset.mapping(mapping).encode
    for i in range(COUNT):
        row, column = row_and_column(i // geometry.banks)
        bank = i % geometry.banks
        group, bank = bank % geometry.groups, bank // geometry.groups
        yield "R", address({"row": row, "column": column, "group": group, "bank": bank})


def _streams(kinds, bases):
    """256 B of each stream by turns."""
    for i in range(COUNT):
        turn, within = divmod(i, 4)
        stream = turn % len(kinds)
        yield kinds[stream], bases[stream] + (turn // len(kinds) * 4 + within) * LINE


def _mixed():
    pool, coins = _distinct(0x5EED0005), iter(_coins(0x5EED0006))
    for i in range(COUNT):
        run, within = divmod(i, 16)
        if run % 2 == 0:
            yield "R", (1 << 29) + (run // 2 * 16 + within) * LINE
        else:
            yield next(coins), pool[i]


def requests(name, preset, mapping):
    """The trace as (kind, address) pairs."""
    columns = preset.geometry.columns
    match name:
        case "seq_rd" | "seq_wr":
            return [("R" if name == "seq_rd" else "W", i * LINE) for i in range(COUNT)]
        case "rand_rd":
            return [("R", address) for address in _distinct(0x5EED0001)]
        case "rand_rw":
            return list(zip(_coins(0x5EED0003), _distinct(0x5EED0002), strict=True))
        case "row_stride":
            row = preset.mapping(mapping).encode
            return [("R", row({"row": i % preset.geometry.rows})) for i in range(COUNT)]
        case "bank_stride":
            return list(_banks(preset, mapping, lambda k: (k, 0)))
        case "bank_rr":
            return list(_banks(preset, mapping, lambda k: divmod(k, columns)))
        case "multi4_rd":
            return list(_streams("RRRR", [s << 26 for s in range(4)]))
        case "multi4_rw":
            return list(_streams("RRRW", [(s << 26) + s * preset.geometry.row_bytes for s in range(4)]))
        case "gather2k":
            bases = [n % (RANGE // 2048) * 2048 for n in islice(split_mix_64(0x5EED0004), COUNT // 32)]
            return [("R", base + i * LINE) for base in bases for i in range(32)]
        case "mixed":
            return list(_mixed())
    raise KeyError(name)


def arrays(trace):
    """Addresses and write flags as the controller takes them."""
    addresses = np.array([address for _, address in trace], dtype=np.uint64)
    return addresses, np.array([kind == "W" for kind, _ in trace], dtype=np.uint8)
