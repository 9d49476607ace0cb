"""The slow, obvious twin of csrc/noc*.c: every router, every clock, lists and dictionaries, nothing skipped.

`run(packets, ...)` takes (created, src, dst, flits) and returns (injected, head_out, tail_out) per packet. `copies`
says which nodes on a packet's way get a copy; `copied` is filled with (packet, node) -> (head_out, tail_out). The
router is in noc_router.py.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

from twins.noc_router import Flit, Options, Router, cyclic

NODE = 4
OPPOSITE = {0: 1, 1: 0, 2: 3, 3: 2}
STEP = {0: (1, 0), 1: (-1, 0), 2: (0, 1), 3: (0, -1)}


@dataclass
class Source:
    queue: deque[int]
    credits: list[int]
    packet: int | None = None
    sent: int = 0
    vc: int = -1  # of the last packet; the very first takes 0
    closed: set[int] = field(default_factory=set)  # VCs that wait for the last credit of their packet


def xy_output(node: int, dst: int, columns: int) -> int:
    x, y = node % columns, node // columns
    to_x, to_y = dst % columns, dst // columns
    if to_x != x:
        return 0 if to_x > x else 1
    if to_y != y:
        return 2 if to_y > y else 3
    return NODE


def run(packets, columns, rows, vcs, depth, *, on_clock=None, copies=None, copied=None, **options):
    """Replay `packets`, [(created, src, dst, flits)], until the last has left; `options` are the fields of Options.

    `on_clock(clk, routers)` sees every clock after it is over.
    """
    nodes = columns * rows
    options = Options(**options)
    routers = [Router(vcs, depth, options) for _ in range(nodes)]
    order = sorted(range(len(packets)), key=lambda index: (packets[index][0], index))
    sources = [Source(deque(i for i in order if packets[i][1] == node), [depth] * vcs) for node in range(nodes)]
    injected = [-1] * len(packets)
    head_out = [-1] * len(packets)
    tail_out = [-1] * len(packets)
    # What arrives when: clock -> list of (place, what).
    to_router: dict[int, list] = {}
    to_node: dict[int, list] = {}
    router_credits: dict[int, list] = {}
    source_credits: dict[int, list] = {}
    copies = copies or {}
    left = len(packets) + sum(map(len, copies.values()))
    clk = -1
    while left:
        clk += 1
        for node, flit in to_node.pop(clk, ()):
            if flit.dst != node:
                head, _ = copied.get((flit.packet, node), (clk, None))
                copied[flit.packet, node] = (head, clk if flit.tail else None)
                left -= flit.tail
                continue
            if flit.head:
                head_out[flit.packet] = clk
            if flit.tail:
                tail_out[flit.packet] = clk
                left -= 1
        for node, vc in source_credits.pop(clk, ()):
            sources[node].credits[vc] += 1
            if sources[node].credits[vc] == depth:
                sources[node].closed.discard(vc)
        for node, source in enumerate(sources):
            _send(node, source, clk, packets, options, injected, to_router)

        for node, port, vc, flit in to_router.pop(clk, ()):
            lane = routers[node].inputs[port][vc]
            lane.buffer.append(flit)
            assert len(lane.buffer) <= depth
            if lane.state == "idle":
                assert flit.head
                lane.state = "routing"
        for node, output, vc in router_credits.pop(clk, ()):
            routers[node].take_credit(output, vc)

        for node, router in enumerate(routers):
            for flit, _, _, output, output_vc in router.cross(clk):
                if output == NODE:
                    to_node.setdefault(clk + 2, []).append((node, flit))
                    back = clk + 4 + options.credit_delay
                    router_credits.setdefault(back, []).append((node, NODE, output_vc))
                    continue
                if node in copies.get(flit.packet, ()):
                    to_node.setdefault(clk + 2, []).append((node, flit))
                there = _neighbour(node, output, columns)
                to_router.setdefault(clk + 2, []).append((there, OPPOSITE[output], output_vc, flit))

            if options.routing_delay == 0:
                _route(router, node, columns)
            router.begin_round(clk)
            moved = router.allocate_switch()
            going = router.go_on()
            if options.routing_delay == 1:
                _route(router, node, columns)
            router.end_round(clk)
            for port, vc, output in going + moved:
                if router.leave(port, vc, output) is None:
                    continue
                if port == NODE:
                    source_credits.setdefault(clk + 2, []).append((node, vc))
                else:
                    back = clk + 2 + options.credit_delay
                    there = _neighbour(node, port, columns)
                    router_credits.setdefault(back, []).append((there, OPPOSITE[port], vc))
        if on_clock is not None:
            on_clock(clk, routers)
    return injected, head_out, tail_out


def _neighbour(node, port, columns):
    dx, dy = STEP[port]
    return node + dx + dy * columns


def _send(node, source, clk, packets, options, injected, to_router):
    if source.packet is None:
        ready = bool(source.queue) and packets[source.queue[0]][0] <= clk
        able = [vc for vc, credits in enumerate(source.credits) if credits > 0 and vc not in source.closed]
        if not ready or not able:
            return
        source.packet = source.queue.popleft()
        source.sent = 0
        source.vc = cyclic(able, source.vc + 1, len(source.credits))
        injected[source.packet] = clk
    elif source.credits[source.vc] == 0:
        return
    _, _, dst, flits = packets[source.packet]
    source.sent += 1
    source.credits[source.vc] -= 1
    flit = Flit(source.packet, dst, head=source.sent == 1, tail=source.sent == flits)
    to_router.setdefault(clk + 2, []).append((node, NODE, source.vc, flit))
    if flit.tail:
        source.packet = None
        if options.wait_for_tail_credit:
            source.closed.add(source.vc)


def _route(router, node, columns):
    for lanes in router.inputs:
        for lane in lanes:
            if lane.state == "routing":
                lane.output = xy_output(node, lane.buffer[0].dst, columns)
                lane.state = "waiting"


def contiguous(buffer) -> bool:
    """Whether the flits of each packet in a buffer follow each other without another's between them."""
    return all(after.head if before.tail else before.packet == after.packet for before, after in pairwise(buffer))
