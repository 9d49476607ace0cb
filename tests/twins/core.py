"""A cycle-stepped core: one turn of a loop a cycle, real index lists, nothing clever.

The twin of csrc/core.c and models/core/engine.py, written from the words of the cost model. Operands are plain
boolean arrays. `params`, `policy`, `shape` and `tile` are read by attribute only.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Block:
    """One block of a walk: how many indices, which of them are effectual, and whether all lie in coarse units."""

    size: int
    effectual: list
    coarse: bool


@dataclass
class Lane:
    """A scanner, a queue and a MAC; `position` is the block at which the scanner stands."""

    blocks: list
    queue_depth: int
    macs_per_lane: int
    coarse_jump: int
    position: int = 0
    rest: list | None = None  # what is left of the block looked at; None before the first look
    queue: deque = field(default_factory=deque)
    cycles: int = 0
    jumps: int = 0
    scanned: list = field(default_factory=list)
    entered: int = 0
    taken: list = field(default_factory=list)

    def through(self):
        return self.position == len(self.blocks)

    def done(self):
        return self.through() and not self.queue

    def jump(self):
        """Leave up to coarse_jump coarse-zero blocks."""
        left = 0
        while left < self.coarse_jump and not self.through() and self.blocks[self.position].coarse:
            self.position += 1
            left += 1
        self.jumps += left > 0

    def step(self, may_look):
        """One cycle; `may_look(i)` says whether block i may be looked at for the first time."""
        self.cycles += 1
        queued_at_start = len(self.queue)
        room = self.queue_depth - queued_at_start
        if not self.through():
            block = self.blocks[self.position]
            if block.coarse:
                self.jump()
            else:
                if self.rest is None and may_look(self.position):
                    self.rest = list(block.effectual)
                    self.scanned.append(self.position)
                if self.rest is not None:
                    self.queue.extend(self.rest[:room])
                    self.entered += len(self.rest[:room])
                    self.rest = self.rest[room:]
                    if not self.rest:
                        self.position += 1
                        self.rest = None
                        self.jump()
        for _ in range(min(self.macs_per_lane, queued_at_start)):
            self.taken.append(self.queue.popleft())


def run_group(lanes, run_ahead):
    """Step the lanes of one group until all are done."""
    for lane in lanes:
        lane.jump()
    while not all(lane.done() for lane in lanes):
        left = [lane.position for lane in lanes]  # blocks 0..left-1 have been left at the start of this cycle

        def may_look(i, left=left):
            return i < run_ahead or all(blocks > i - run_ahead for blocks in left)

        for lane in lanes:
            if not lane.done():
                lane.step(may_look)


def coarse_units(weights, unit):
    """For each weight (k, r, s, c) whether it lies in an aligned all-zero tile of b_k x b_c."""
    b_k, b_c = unit
    inside = np.zeros(weights.shape, dtype=bool)
    for k in range(0, weights.shape[0], b_k):
        for c in range(0, weights.shape[3], b_c):
            for r in range(weights.shape[1]):
                for s in range(weights.shape[2]):
                    tile = np.s_[k : k + b_k, r, s, c : c + b_c]
                    inside[tile] = not weights[tile].any()
    return inside


def output_sets(shape, stage, tile):
    """Yield (outputs, walk): the outputs that share their input operand, in lane order, and the positions walked.

    An output is its index tuple; walk(output) lists (index of the input operand, index of the other operand).
    """
    c_per_group, k_per_group = shape.c // shape.groups, shape.k // shape.groups
    (n0, n1), (row0, row1), (d0, d1) = tile.images, tile.rows, tile.depth
    channels = [int(channel) for channel in tile.channels]
    for g in range(shape.groups):
        if stage == "ff":
            own = [k for k in channels if k // k_per_group == g]

            def walk_ff(output, g=g):
                n, p, q, k = output
                for r in range(shape.r):
                    for s in range(shape.s):
                        h, w = p * shape.stride + r - shape.pad, q * shape.stride + s - shape.pad
                        if 0 <= h < shape.h and 0 <= w < shape.w:
                            for c in range(d0, d1):
                                yield (n, h, w, g * c_per_group + c), (k, r, s, c)

            if own:
                for n in range(n0, n1):
                    for p in range(row0, row1):
                        for q in range(shape.q):
                            yield [(n, p, q, k) for k in own], walk_ff
        elif stage == "bp":
            own = [c for c in channels if c // c_per_group == g]

            def walk_bp(output, g=g):
                n, h, w, c = output
                for r in range(shape.r):
                    for s in range(shape.s):
                        p, p_rest = divmod(h + shape.pad - r, shape.stride)
                        q, q_rest = divmod(w + shape.pad - s, shape.stride)
                        if p_rest == q_rest == 0 and 0 <= p < shape.p and 0 <= q < shape.q:
                            for k in range(g * k_per_group + d0, g * k_per_group + d1):
                                yield (n, p, q, k), (k, r, s, c % c_per_group)

            if own:
                for n in range(n0, n1):
                    for h in range(row0, row1):
                        for w in range(shape.w):
                            yield [(n, h, w, c) for c in own], walk_bp
        else:
            own = [k for k in channels if k // k_per_group == g]

            def walk_wg(output, g=g):
                k, r, s, c = output
                for n in range(n0, n1):
                    for p in range(row0, row1):
                        for q in range(shape.q):
                            h, w = p * shape.stride + r - shape.pad, q * shape.stride + s - shape.pad
                            if 0 <= h < shape.h and 0 <= w < shape.w:
                                yield (n, h, w, g * c_per_group + c), (n, p, q, k)

            if own:
                for r in range(shape.r):
                    for s in range(shape.s):
                        for c in range(d0, d1):
                            yield [(k, r, s, c) for k in own], walk_wg


def chosen(params, policy, stage, operands):
    """Of a stage: the input operand, the other one, the needed outputs, and where the weights lie in coarse units.

    The last two are None where all outputs are needed, and where no block is jumped.
    """
    first, second = {"ff": ("x", "w"), "bp": ("dy", "w"), "wg": ("x", "dy")}[stage]
    coarse = None
    if policy.coarse and "weight" in policy.operands and params.coarse_jump > 0 and stage != "wg":
        coarse = coarse_units(operands["w"], params.coarse_unit)
    needed = operands.get("output_needed") if "output" in policy.operands else None
    return operands[first], operands[second], needed, coarse


def newly_read(reads, channel, blocks, pixel_reuse):
    """Of the other operand's `blocks` that an output of `channel` looks at, those that were not read for the outputs
    before it in its batch of `pixel_reuse`. `reads` holds the batches under way, by channel."""
    batch, before = reads.get(channel, (0, set()))
    if batch == pixel_reuse:
        batch, before = 0, set()
    reads[channel] = (batch + 1, before | blocks)
    return blocks - before


COUNTS = (
    "dense_macs",
    "macs",
    "outputs",
    "outputs_removed",
    "groups_run",
    "skipped_output",
    "skipped_coarse",
    "skipped_input",
    "skipped_other",
    "skipped_both",
    "scans",
    "jumps",
    "queue_in",
    "queue_out",
    "input_block_reads",
    "other_block_reads",
    "buffer_writes",
    "buffer_reads",
)


def run_tile(params, policy, shape, stage, operands, tile):
    """Every field of TileResult, as a dict; operands is a dict of boolean arrays x, w, dy, output_needed."""
    stage = str(stage)
    inputs, others, needed, coarse = chosen(params, policy, stage, operands)
    count = dict.fromkeys(COUNTS, 0)
    group_count = params.lanes // params.group
    group_cycles = [0] * group_count
    lane_cycles = [0] * params.lanes
    reads = {}
    turn = 0

    for outputs, walk in output_sets(shape, stage, tile):
        walks = {output: list(walk(output)) for output in outputs}
        count["dense_macs"] += sum(map(len, walks.values()))
        count["outputs"] += len(outputs)
        kept = outputs
        if needed is not None:
            kept = [output for output in outputs if needed[output]]
            removed = [output for output in outputs if not needed[output]]
            count["outputs_removed"] += len(removed)
            count["skipped_output"] += sum(len(walks[output]) for output in removed)
        for start in range(0, len(kept), params.group):
            members = kept[start : start + params.group]
            lanes = []
            for output in members:
                blocks = []
                positions = walks[output]
                for begin in range(0, len(positions), params.window):
                    block = positions[begin : begin + params.window]
                    is_coarse = coarse is not None and all(coarse[other] for _, other in block)
                    effectual = []
                    for at, (i, o) in enumerate(block, begin):
                        zero_input = "input" in policy.operands and not inputs[i]
                        zero_other = "weight" in policy.operands and not others[o]
                        if is_coarse:
                            count["skipped_coarse"] += 1
                        elif not policy.fine or not (zero_input or zero_other):
                            effectual.append(at)
                        elif zero_input and zero_other:
                            count["skipped_both"] += 1
                        elif zero_input:
                            count["skipped_input"] += 1
                        else:
                            count["skipped_other"] += 1
                    blocks.append(Block(len(block), effectual, is_coarse))
                lanes.append(Lane(blocks, params.queue, params.macs_per_lane, params.coarse_jump))
            run_group(lanes, params.run_ahead)

            group = turn % group_count  # groups of outputs are dealt to the core's groups in turn
            turn += 1
            count["groups_run"] += 1
            group_cycles[group] += max(lane.cycles for lane in lanes) + params.lane_latency
            read_from_sram = {i for lane in lanes for i in lane.scanned}
            count["input_block_reads"] += len(read_from_sram)
            count["buffer_writes"] += len(read_from_sram)
            for at, (lane, output) in enumerate(zip(lanes, members, strict=True)):
                assert lane.taken == [index for block in lane.blocks if not block.coarse for index in block.effectual]
                lane_cycles[group * params.group + at] += lane.cycles
                count["scans"] += len(lane.scanned)
                count["buffer_reads"] += len(lane.scanned)
                count["jumps"] += lane.jumps
                count["queue_in"] += lane.entered
                count["queue_out"] += len(lane.taken)
                count["macs"] += len(lane.taken)
                channel = output[0] if stage == "wg" else output[3]
                count["other_block_reads"] += len(newly_read(reads, channel, set(lane.scanned), params.pixel_reuse))
    return count | {
        "cycles": max(group_cycles),
        "lane_cycles": lane_cycles,
        "group_cycles": group_cycles,
    }
