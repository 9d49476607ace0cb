"""One router of the slow twin: its virtual channels, both allocations, held connections and the crossbar.

What a network does with it clock by clock is in noc.py.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

PORTS = 5


@dataclass(frozen=True)
class Options:
    """What routers differ in; the names are those of MeshConfig."""

    routing_delay: int = 1
    credit_delay: int = 0
    speculative: bool = False
    input_speedup: int = 1
    vc_allocator: str = "islip"
    sw_allocator: str = "islip"
    hold_switch_for_packet: bool = False
    wait_for_tail_credit: bool = False
    st_final_delay: int = 1
    vc_alloc_delay: int = 1


class Flit(NamedTuple):
    packet: int
    dst: int
    head: bool
    tail: bool


class Crossing(NamedTuple):
    """A flit that won the switch: where it came from and how it leaves."""

    flit: Flit
    port: int
    vc: int
    output: int
    output_vc: int


@dataclass
class InputVc:
    buffer: deque[Flit] = field(default_factory=deque)
    state: str = "idle"  # idle, routing, waiting, active
    output: int = -1
    output_vc: int = -1


@dataclass
class OutputVc:
    credits: int
    holder: tuple[int, int] | None = None
    tail_sent: bool = False  # only where a VC waits for the tail's credit


def cyclic(candidates, start, modulus):
    """The first candidate from `start` on, cyclically."""
    return min(candidates, key=lambda candidate: (candidate - start) % modulus)


def islip(requests, accept, grant):
    """[(input, output)] by one iteration: outputs offer, inputs choose. Both pointers of a match move past the partner.

    `requests` is {(input, output): whether it is sure}, which this allocator does not look at.
    """
    offers: dict[int, list[int]] = {}
    for output in sorted({output for _, output in requests}):
        asking = [who for who, wanted in requests if wanted == output]
        offers.setdefault(cyclic(asking, grant[output], len(accept)), []).append(output)
    matches = [(who, cyclic(outputs, accept[who], len(grant))) for who, outputs in sorted(offers.items())]
    return _moved(matches, accept, grant)


def separable_input_first(requests, accept, grant):
    """[(input, output)]: each input chooses one output to ask, each output one of those that ask it. Both prefer what
    is sure. The pointers of a match move, those of a refused input stay."""
    asked: dict[int, list[int]] = {}
    for who in sorted({who for who, _ in requests}):
        choice = cyclic(_best({o: sure for (i, o), sure in requests.items() if i == who}), accept[who], len(grant))
        asked.setdefault(choice, []).append(who)
    matches = []
    for output, asking in sorted(asked.items()):
        best = _best({who: requests[who, output] for who in asking})
        matches.append((cyclic(best, grant[output], len(accept)), output))
    return _moved(sorted(matches), accept, grant)


def _best(sure):
    """Those that are sure; if none is, all."""
    return [one for one, is_sure in sure.items() if is_sure] or list(sure)


def _moved(matches, accept, grant):
    for who, output in matches:
        accept[who] = (output + 1) % len(grant)
        grant[output] = (who + 1) % len(accept)
    return matches


ALLOCATORS = {"islip": islip, "separable_input_first": separable_input_first}


class Router:
    """Input port p has `input_speedup` lines into the switch; its VC v uses line p * input_speedup + v % input_speedup.
    With one line a port, a line is a port."""

    def __init__(self, vcs: int, depth: int, options: Options = Options()) -> None:  # noqa: B008 -- it is frozen
        self.vcs = vcs
        self.depth = depth
        self.options = options
        lines = PORTS * options.input_speedup
        self.inputs = [[InputVc() for _ in range(vcs)] for _ in range(PORTS)]
        self.outputs = [[OutputVc(depth) for _ in range(vcs)] for _ in range(PORTS)]
        self.vc_accept = [0] * (PORTS * vcs)
        self.vc_grant = [0] * (PORTS * vcs)
        self.first_vc = [line % options.input_speedup for line in range(lines)]
        self.switch_grant = [0] * PORTS
        self.switch_accept = [0] * lines
        # The round of VC allocation under way: its last clock and its matches.
        self.round: tuple[int, list[tuple[int, int, int, int]]] | None = None
        self.held: dict[int, tuple[int, int]] = {}  # line -> (vc, output), for the rest of a packet
        self.granted: list[Crossing] = []  # not yet in the crossbar
        self.load: list[Crossing] = []  # in it
        self.load_out = -1  # the clock in which it leaves
        self.sending: list[deque[Crossing]] = [deque() for _ in range(PORTS)]

    # ---- credits

    def take_credit(self, output, vc):
        """A place is free again. If VCs wait for the tail's credit, the last one of a packet frees its VC."""
        resource = self.outputs[output][vc]
        resource.credits += 1
        assert resource.credits <= self.depth
        if resource.tail_sent and resource.credits == self.depth:
            resource.holder, resource.tail_sent = None, False

    # ---- VC allocation

    def begin_round(self, clk):
        """If heads wait and no round is under way, one begins, with all that wait now."""
        any_waiting = any(lane.state == "waiting" for lanes in self.inputs for lane in lanes)
        if self.round is None and any_waiting:
            self.round = clk + self.options.vc_alloc_delay - 1, self.allocate_vcs()

    def end_round(self, clk):
        """In its last clock a round takes effect; who got nothing waits for the next one."""
        if self.round is None or self.round[0] != clk:
            return
        for port, vc, output, output_vc in self.round[1]:
            lane = self.inputs[port][vc]
            lane.state, lane.output_vc = "active", output_vc
            self.outputs[output][output_vc].holder = (port, vc)
        self.round = None

    def allocate_vcs(self):
        """[(input, vc, output, output vc)]; moves the pointers of those. A head asks for all free VCs of its output."""
        requests = {}
        for port, lanes in enumerate(self.inputs):
            for vc, lane in enumerate(lanes):
                if lane.state == "waiting":
                    for output_vc, resource in enumerate(self.outputs[lane.output]):
                        if resource.holder is None:
                            requests[port * self.vcs + vc, lane.output * self.vcs + output_vc] = True
        matches = ALLOCATORS[self.options.vc_allocator](requests, self.vc_accept, self.vc_grant)
        return [(*divmod(who, self.vcs), *divmod(output, self.vcs)) for who, output in matches]

    # ---- switch allocation

    def line_of(self, port, vc):
        return port * self.options.input_speedup + vc % self.options.input_speedup

    def bids(self):
        """{(line, output): (vc, whether it is sure)}: for each output the VC of the line that is next in turn.

        Speculative: heads that wait for a VC bid too, where there is one with a credit and no other VC of their line
        bids for that output without speculation. Nobody bids for what is held, or over a line that is.
        """
        sure: dict[tuple[int, int], list[int]] = {}
        guesses: dict[tuple[int, int], list[int]] = {}
        held_outputs = {output for _, output in self.held.values()}
        for port, lanes in enumerate(self.inputs):
            for vc, lane in enumerate(lanes):
                line = self.line_of(port, vc)
                if line in self.held or lane.output in held_outputs:
                    continue
                outputs = self.outputs[lane.output]
                if lane.state == "active" and lane.buffer and outputs[lane.output_vc].credits > 0:
                    sure.setdefault((line, lane.output), []).append(vc)
                if (
                    self.options.speculative
                    and lane.state == "waiting"
                    and any(resource.holder is None and resource.credits > 0 for resource in outputs)
                ):
                    guesses.setdefault((line, lane.output), []).append(vc)
        return {
            place: (cyclic(sure.get(place) or guesses[place], self.first_vc[place[0]], self.vcs), place in sure)
            for place in {**sure, **guesses}
        }

    def allocate_switch(self):
        """[(input, vc, output)]; moves the pointers of those."""
        bids = self.bids()
        requests = {place: is_sure for place, (_, is_sure) in bids.items()}
        matches = []
        for line, output in ALLOCATORS[self.options.sw_allocator](requests, self.switch_accept, self.switch_grant):
            vc, _ = bids[line, output]
            self.first_vc[line] = (vc + self.options.input_speedup) % self.vcs
            matches.append((line // self.options.input_speedup, vc, output))
        return matches

    # ---- held connections

    def go_on(self):
        """[(input, vc, output)] of held connections whose next flit has a credit; the others end. None of their lines
        and outputs is allocated in this clock."""
        going = []
        for line, (vc, output) in list(self.held.items()):
            port = line // self.options.input_speedup
            if self.outputs[output][self.inputs[port][vc].output_vc].credits > 0:
                going.append((port, vc, output))
            else:
                del self.held[line]
        return going

    # ---- what leaves

    def leave(self, port, vc, output):
        """The next flit of a VC leaves its buffer for the crossbar. Returns it, or None if it cannot."""
        lane = self.inputs[port][vc]
        if lane.state == "waiting":
            return None  # it got the switch and no VC
        resource = self.outputs[output][lane.output_vc]
        if resource.credits == 0:
            return None  # it got a VC just now, without a credit
        flit = lane.buffer.popleft()
        resource.credits -= 1
        self.granted.append(Crossing(flit, port, vc, output, lane.output_vc))
        line = self.line_of(port, vc)
        if flit.tail:
            if self.options.wait_for_tail_credit:
                resource.tail_sent = True
            else:
                resource.holder = None
            lane.state = "routing" if lane.buffer else "idle"
        if self.options.hold_switch_for_packet and not flit.tail and lane.buffer:
            self.held[line] = vc, output
        else:
            self.held.pop(line, None)
        return flit

    def cross(self, clk):
        """What leaves the outputs in this clock.

        The crossbar takes loads: all that won the switch before this clock, if nothing is in it. A load is in it for
        `st_final_delay` clocks, then queues at the outputs, which send one flit a clock.
        """
        if not self.load and self.granted:
            self.load, self.granted = self.granted, []
            self.load_out = clk + self.options.st_final_delay - 1
        if self.load and clk == self.load_out:
            for crossing in self.load:
                self.sending[crossing.output].append(crossing)
            self.load = []
        return [queue.popleft() for queue in self.sending if queue]
