"""SCNN, stepped: real queues at real banks, every product by itself, processing elements waiting for each other."""

from collections import deque

import numpy as np


def encode(bits, max_zeros):
    """[(position, is a non-zero)]: zeros stand in the code where the run before an element is too long."""
    entries, run = [], 0
    for position, bit in enumerate(bits):
        if bit:
            pending = [(position - run + extra, False) for extra in range(max_zeros, run, max_zeros + 1)]
            entries += [*pending, (position, True)]
            run = 0
        else:
            run += 1
    return entries


def spans(size, pes, parts):
    """spans[part][pe]: first an even share of each processing element, that again in even parts."""
    shares = [range(size * i // pes, size * (i + 1) // pes) for i in range(pes)]
    return [
        [share[len(share) * part // parts : len(share) * (part + 1) // parts] for share in shares]
        for part in range(parts)
    ]


class Pe:
    """One processing element working through its list of jobs: a channel's pairs of vectors each."""

    def __init__(self, core, jobs, bank_of, is_output):
        self.core, self.bank_of, self.is_output = core, bank_of, is_output
        self.jobs = jobs  # by channel: [(vector of inputs, vector of weights)]
        self.channel, self.step = 0, 0
        self.queues = [deque() for _ in range(core.banks)]
        self.pending = []
        self.counts = dict.fromkeys(("steps", "stalls", "waits", "drains", "products", "outside", "placeholders"), 0)

    @property
    def done(self):
        return self.channel == len(self.jobs) and not self.pending and not any(self.queues)

    def cycle(self, sent):
        """One cycle; `sent` channels' weights have arrived."""
        for queue in self.queues:
            if queue:
                queue.popleft()
        if self.pending:
            self.counts["stalls"] += 1
        elif self.channel == len(self.jobs):
            self.counts["drains"] += 1
            return
        elif self.channel >= sent:
            self.counts["waits"] += 1
            return
        else:
            self._multiply()
        still = []
        for bank in self.pending:
            if len(self.queues[bank]) < self.core.bank_queue:
                self.queues[bank].append(bank)
            else:
                still.append(bank)
        self.pending = still

    def _multiply(self):
        inputs, weights = self.jobs[self.channel][self.step]
        self.counts["steps"] += 1
        for x, x_real in inputs:
            for w, w_real in weights:
                if not (x_real and w_real):
                    self.counts["placeholders"] += 1
                elif not self.is_output(x, w):
                    self.counts["outside"] += 1
                else:
                    self.counts["products"] += 1
                    self.pending.append(self.bank_of(x, w))
        self.step += 1

    def leave(self, sent):
        """After a cycle: go on to the next channel once all products of this one have been taken."""
        while (
            not self.pending and self.channel < min(sent, len(self.jobs)) and self.step == len(self.jobs[self.channel])
        ):
            self.channel, self.step = self.channel + 1, 0


def vectors(entries, size):
    return [entries[i : i + size] for i in range(0, len(entries), size)]


def run(core, shape, x, w):
    """(cycles, counts) of `core`, a Scnn, on boolean masks."""
    t = core.tiling
    row_parts, column_parts = core.parts(shape)
    max_zeros = 2**core.index_bits - 1
    total = 0
    counts = dict.fromkeys(("steps", "stalls", "waits", "drains", "products", "outside", "placeholders"), 0)
    for image in x:
        for rows in spans(shape.h, t.pe_rows, row_parts):
            for columns in spans(shape.w, t.pe_columns, column_parts):
                height = max(map(len, rows)) + shape.r - 1
                pitch = max(map(len, columns)) + shape.s - 1
                for first in range(0, shape.k, t.group):
                    block = w[first : first + t.group]
                    taps = list(np.ndindex(block.shape[:3]))
                    weights = [
                        vectors(encode(block[..., c].reshape(-1), max_zeros), core.weights) for c in range(shape.c)
                    ]
                    pes = []
                    for row in filter(len, rows):
                        for column in filter(len, columns):
                            places = [(i, j) for i in row for j in column]

                            def output(at, tap, places=places, taps=taps):
                                i, j = places[at]
                                _, r, s = taps[tap]
                                return i + shape.pad - r, j + shape.pad - s

                            def is_output(at, tap, output=output):
                                p, q = output(at, tap)
                                return 0 <= p < shape.p and 0 <= q < shape.q

                            def bank_of(
                                at, tap, places=places, taps=taps, origin=(row[0], column[0]), size=(height, pitch)
                            ):
                                i, j = places[at]
                                k, r, s = taps[tap]
                                down, right = i - origin[0] + shape.r - 1 - r, j - origin[1] + shape.s - 1 - s
                                return ((k * size[0] + down) * size[1] + right) % core.banks

                            jobs = []
                            for c in range(shape.c):
                                bits = [image[i, j, c] for i, j in places]
                                inputs = vectors(encode(bits, max_zeros), core.inputs)
                                jobs.append([(a, b) for a in inputs for b in weights[c]])
                            pes.append(Pe(core, jobs, bank_of, is_output))
                    total += group(core, pes, [len(block) for block in weights])
                    for pe in pes:
                        for name, count in pe.counts.items():
                            counts[name] += count
    return total, counts


def group(core, pes, sizes):
    """Cycles until the slowest processing element is through; `sizes` of the channels' weights in vectors."""
    cycles = sent = 0
    while True:
        moved = True
        while moved:  # blocks are sent, and channels without work left, in no time
            slowest = min(pe.channel for pe in pes)
            before = sent, slowest
            while sent < len(sizes):
                held = sum(sizes[slowest : sent + 1])
                if core.weight_fifo and held > core.weight_fifo and slowest < sent:
                    break
                sent += 1
            for pe in pes:
                pe.leave(sent)
            moved = before != (sent, min(pe.channel for pe in pes))
        if all(pe.done for pe in pes):
            return cycles
        for pe in pes:
            if not pe.done:
                pe.cycle(sent)
        cycles += 1
