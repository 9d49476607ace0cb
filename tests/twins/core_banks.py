"""The cycle-stepped core with its operands in banked SRAM: the twin of csrc/core_banks*.c and models/core/banked.py."""

from collections import Counter, deque

from twins.core import Block, Lane, chosen, newly_read, output_sets


def run_tile_with_banks(params, policy, shape, stage, operands, tile, banks, ports, reservations):
    """As run_tile, all groups side by side, cycle by cycle, over banks[memory] banks of ports[memory] ports.

    `reservations` lists (cycle, memory, bank, accesses) of others, by cycle. Memory 0 is the input operand's.
    """
    stage = str(stage)
    inputs, others, needed, coarse = chosen(params, policy, stage, operands)

    def effectual(i, o):
        skipped = ("input" in policy.operands and not inputs[i]) or ("weight" in policy.operands and not others[o])
        return not policy.fine or not skipped

    # Every group of outputs, in order: its set's number, and for each lane its row of the other operand, its blocks,
    # and the blocks of the other operand that it must read.
    groups_of_outputs = []
    reads = {}
    channels_per_group = (shape.c if stage == "bp" else shape.k) // shape.groups
    for number, (outputs, walk) in enumerate(output_sets(shape, stage, tile)):
        kept = [output for output in outputs if needed is None or needed[output]]
        for start in range(0, len(kept), params.group):
            lanes = []
            for output in kept[start : start + params.group]:
                positions = list(walk(output))
                blocks = []
                for begin in range(0, len(positions), params.window):
                    block = positions[begin : begin + params.window]
                    is_coarse = coarse is not None and all(coarse[o] for _, o in block)
                    blocks.append(Block(len(block), [pair for pair in block if effectual(*pair)], is_coarse))
                channel = output[0] if stage == "wg" else output[3]
                scanned = {i for i, block in enumerate(blocks) if not block.coarse}
                to_read = newly_read(reads, channel, scanned, params.pixel_reuse)
                lanes.append((channel % channels_per_group, blocks, to_read))
            groups_of_outputs.append((number, lanes))

    count = params.lanes // params.group
    begins = [0] * count
    lane_cycles, lane_waits = [0] * params.lanes, [0] * params.lanes
    waiting = [deque(groups_of_outputs[g::count]) for g in range(min(count, len(groups_of_outputs)))]
    count = len(waiting)  # the others never have anything to do
    present = [None] * count  # (set number, lanes, {block: cycle of its first request}, fetched blocks)
    backlog = Counter()  # of (memory, bank)
    granted, served = [0, 0], [0, 0]
    pending = deque(reservations)
    cycle = 0
    while True:
        for g in range(count):
            while begins[g] <= cycle:
                if present[g] is None:
                    if not waiting[g]:
                        break
                    number, described = waiting[g].popleft()
                    lanes = []
                    for row, blocks, to_read in described:
                        lane = Lane(blocks, params.queue, params.macs_per_lane, params.coarse_jump)
                        lane.row, lane.to_read, lane.asked_since, lane.has_other = row, to_read, None, False
                        lane.jump()
                        lanes.append(lane)
                    present[g] = (number, lanes, {}, set())
                if not all(lane.done() for lane in present[g][1]):
                    break
                present[g] = None
                begins[g] = cycle + params.lane_latency
        if all(present[g] is None and not waiting[g] for g in range(count)):
            break

        starts = [begins[g] for g in range(count) if present[g] is not None or waiting[g]]
        if min(starts) > cycle and not pending and not backlog:
            cycle = min(starts)  # nothing happens before
            continue

        while pending and pending[0][0] < cycle:
            _, memory, bank, accesses = pending.popleft()
            backlog[memory, bank] += accesses
        taken = Counter()  # ports in this cycle
        for memory, bank in list(backlog):
            now_served = min(ports[memory], backlog[memory, bank])
            backlog[memory, bank] -= now_served
            served[memory] += now_served
            taken[memory, bank] = now_served
        backlog = +backlog  # without zeros

        lookers, input_requests, other_requests = set(), {}, []
        for g in range(count):
            if present[g] is None or begins[g] > cycle:
                continue
            number, lanes, asked, fetched = present[g]
            left = [lane.position for lane in lanes]
            for index, lane in enumerate(lanes):
                i = lane.position
                if lane.through() or lane.blocks[i].coarse or lane.rest is not None:
                    continue
                if i >= params.run_ahead and not all(blocks > i - params.run_ahead for blocks in left):
                    continue
                lookers.add((g, index))
                asked.setdefault(i, cycle)
                if i not in fetched:
                    input_requests[(asked[i], g, i)] = (number + i) % banks[0]
                if i not in lane.to_read:
                    lane.has_other = True
                if not lane.has_other:
                    if lane.asked_since is None:
                        lane.asked_since = cycle
                    other_requests.append(((lane.asked_since, g, index), (lane.row + i) % banks[1]))
        for (_, g, i), bank in sorted(input_requests.items()):
            if taken[0, bank] < ports[0]:
                taken[0, bank] += 1
                granted[0] += 1
                present[g][3].add(i)
        for (_, g, index), bank in sorted(other_requests):
            if taken[1, bank] < ports[1]:
                taken[1, bank] += 1
                granted[1] += 1
                present[g][1][index].has_other = True

        for g in range(count):
            if present[g] is None or begins[g] > cycle:
                continue
            _, lanes, _, fetched = present[g]
            for index, lane in enumerate(lanes):
                if lane.done():
                    continue
                may = (g, index) in lookers and lane.position in fetched and lane.has_other
                lane_waits[g * params.group + index] += (g, index) in lookers and not may
                lane_cycles[g * params.group + index] += 1
                before = lane.position
                lane.step(lambda i, may=may: may)
                if lane.position != before:
                    lane.asked_since, lane.has_other = None, False
        cycle += 1
    return {
        "cycles": max(begins),
        "group_cycles": begins,
        "lane_cycles": lane_cycles,
        "lane_wait_cycles": lane_waits,
        "reads": tuple(granted),
        "served": tuple(served),
    }
