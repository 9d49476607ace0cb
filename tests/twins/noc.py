"""The slow, obvious twin of csrc/noc.c: every router, every clock, lists and dictionaries, nothing skipped.

`run(packets, ...)` takes (created, src, dst, flits) and returns (injected, head_out, tail_out) per packet. `copies`
says which nodes on a packet's way get a copy; `copied` is filled with (packet, node) -> (head_out, tail_out).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

NODE = 4
OPPOSITE = {0: 1, 1: 0, 2: 3, 3: 2}
STEP = {0: (1, 0), 1: (-1, 0), 2: (0, 1), 3: (0, -1)}


class Flit(NamedTuple):
    packet: int
    dst: int
    head: bool
    tail: bool


@dataclass
class InputVc:
    buffer: deque[Flit] = field(default_factory=deque)
    state: str = "idle"  # idle, routing, waiting, active
    output: int = -1
    output_vc: int = -1
    accept: int = 0


@dataclass
class OutputVc:
    credits: int
    holder: tuple[int, int] | None = None
    grant: int = 0


def cyclic(candidates, start, modulus):
    """The first candidate from `start` on, cyclically."""
    return min(candidates, key=lambda candidate: (candidate - start) % modulus)


class Router:
    def __init__(self, vcs: int, depth: int) -> None:
        self.vcs = vcs
        self.inputs = [[InputVc() for _ in range(vcs)] for _ in range(5)]
        self.outputs = [[OutputVc(depth) for _ in range(vcs)] for _ in range(5)]
        self.first_vc = [0] * 5
        self.switch_grant = [0] * 5
        self.switch_accept = [0] * 5

    def allocate_vcs(self):
        """[(input, vc, output, output vc)] by one iteration of iSLIP; moves the pointers of those."""
        total = 5 * self.vcs
        granted: dict[tuple[int, int], list[int]] = {}
        for output in range(5):
            requesters = [
                port * self.vcs + vc
                for port in range(5)
                for vc in range(self.vcs)
                if self.inputs[port][vc].state == "waiting" and self.inputs[port][vc].output == output
            ]
            for output_vc in range(self.vcs):
                resource = self.outputs[output][output_vc]
                if requesters and resource.holder is None:
                    winner = divmod(cyclic(requesters, resource.grant, total), self.vcs)
                    granted.setdefault(winner, []).append(output * self.vcs + output_vc)
        matches = []
        for (port, vc), offers in granted.items():
            taken = cyclic(offers, self.inputs[port][vc].accept, total)
            output, output_vc = divmod(taken, self.vcs)
            self.inputs[port][vc].accept = (taken + 1) % total
            self.outputs[output][output_vc].grant = (port * self.vcs + vc + 1) % total
            matches.append((port, vc, output, output_vc))
        return matches

    def allocate_switch(self, speculative=False):
        """[(input, vc, output)] by one iteration of iSLIP; moves the pointers of those.

        Speculative: heads that wait for a VC bid too, where there is one with a credit and no other VC of their input
        bids for that output without speculation.
        """
        bids: dict[tuple[int, int], int] = {}  # (input, output) -> vc
        for port in range(5):
            for output in range(5):
                able = [
                    vc
                    for vc, lane in enumerate(self.inputs[port])
                    if lane.state == "active"
                    and lane.output == output
                    and lane.buffer
                    and self.outputs[output][lane.output_vc].credits > 0
                ]
                if speculative and not able and any(o.holder is None and o.credits > 0 for o in self.outputs[output]):
                    able = [
                        vc
                        for vc, lane in enumerate(self.inputs[port])
                        if lane.state == "waiting" and lane.output == output
                    ]
                if able:
                    bids[port, output] = cyclic(able, self.first_vc[port], self.vcs)
        offers: dict[int, list[int]] = {}
        for output in range(5):
            requesters = [port for port in range(5) if (port, output) in bids]
            if requesters:
                offers.setdefault(cyclic(requesters, self.switch_grant[output], 5), []).append(output)
        matches = []
        for port, outputs in offers.items():
            output = cyclic(outputs, self.switch_accept[port], 5)
            vc = bids[port, output]
            self.switch_grant[output] = (port + 1) % 5
            self.switch_accept[port] = (output + 1) % 5
            self.first_vc[port] = (vc + 1) % self.vcs
            matches.append((port, vc, output))
        return matches


@dataclass
class Source:
    queue: deque[int]
    credits: list[int]
    packet: int | None = None
    sent: int = 0
    vc: int = -1  # of the last packet; the very first takes 0


def xy_output(node: int, dst: int, columns: int) -> int:
    x, y = node % columns, node // columns
    to_x, to_y = dst % columns, dst // columns
    if to_x != x:
        return 0 if to_x > x else 1
    if to_y != y:
        return 2 if to_y > y else 3
    return NODE


def run(
    packets,
    columns,
    rows,
    vcs,
    depth,
    *,
    routing_delay=1,
    credit_delay=0,
    speculative=False,
    on_clock=None,
    copies=None,
    copied=None,
):
    """Replay `packets`, [(created, src, dst, flits)], until the last has left.

    `on_clock(clk, routers)` sees every clock after it is over.
    """
    nodes = columns * rows
    routers = [Router(vcs, depth) for _ in range(nodes)]
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
        for node, source in enumerate(sources):
            _send(node, source, clk, packets, vcs, injected, to_router)

        for node, port, vc, flit in to_router.pop(clk, ()):
            lane = routers[node].inputs[port][vc]
            lane.buffer.append(flit)
            assert len(lane.buffer) <= depth
            if lane.state == "idle":
                assert flit.head
                lane.state = "routing"
        for node, output, vc in router_credits.pop(clk, ()):
            routers[node].outputs[output][vc].credits += 1
            assert routers[node].outputs[output][vc].credits <= depth

        for node, router in enumerate(routers):
            if routing_delay == 0:
                _route(router, node, columns)
            allocated = router.allocate_vcs()
            moved = router.allocate_switch(speculative)
            if routing_delay == 1:
                _route(router, node, columns)
            for port, vc, output, output_vc in allocated:
                lane = router.inputs[port][vc]
                lane.state, lane.output_vc = "active", output_vc
                router.outputs[output][output_vc].holder = (port, vc)
            for port, vc, output in moved:
                lane = router.inputs[port][vc]
                if lane.state == "waiting":
                    continue  # it got the switch and no VC
                output_vc = lane.output_vc
                if router.outputs[output][output_vc].credits == 0:
                    continue  # it got a VC just now, without a credit
                flit = lane.buffer.popleft()
                router.outputs[output][output_vc].credits -= 1
                if output == NODE:
                    to_node.setdefault(clk + 3, []).append((node, flit))
                    router_credits.setdefault(clk + 5 + credit_delay, []).append((node, NODE, output_vc))
                else:
                    if node in copies.get(flit.packet, ()):
                        to_node.setdefault(clk + 3, []).append((node, flit))
                    dx, dy = STEP[output]
                    to_router.setdefault(clk + 3, []).append(
                        (node + dx + dy * columns, OPPOSITE[output], output_vc, flit)
                    )
                if port == NODE:
                    source_credits.setdefault(clk + 2, []).append((node, vc))
                else:
                    dx, dy = STEP[port]
                    router_credits.setdefault(clk + 2 + credit_delay, []).append(
                        (node + dx + dy * columns, OPPOSITE[port], vc)
                    )
                if flit.tail:
                    router.outputs[output][output_vc].holder = None
                    lane.state = "routing" if lane.buffer else "idle"
        if on_clock is not None:
            on_clock(clk, routers)
    return injected, head_out, tail_out


def _send(node, source, clk, packets, vcs, injected, to_router):
    if source.packet is None:
        ready = bool(source.queue) and packets[source.queue[0]][0] <= clk
        able = [vc for vc in range(vcs) if source.credits[vc] > 0]
        if not ready or not able:
            return
        source.packet = source.queue.popleft()
        source.sent = 0
        source.vc = cyclic(able, source.vc + 1, vcs)
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


def _route(router, node, columns):
    for lanes in router.inputs:
        for lane in lanes:
            if lane.state == "routing":
                lane.output = xy_output(node, lane.buffer[0].dst, columns)
                lane.state = "waiting"


def contiguous(buffer) -> bool:
    """Whether the flits of each packet in a buffer follow each other without another's between them."""
    return all(after.head if before.tail else before.packet == after.packet for before, after in pairwise(buffer))
