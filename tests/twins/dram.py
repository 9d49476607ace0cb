"""The DRAM controller clock by clock, from the words that describe its policies; slow and obvious.

Every clock is looked at, every request is asked for its next command, every rule is looked up in the history of
commands. `DramTwin` has the methods of `cosim.models.dram.Controller`; a request is submitted at the clock that was
advanced to.
"""

from dataclasses import dataclass

from cosim.models.dram import SCHEDULERS
from cosim.models.dram.rules import COMMANDS

COLUMNS = ("RD", "WR", "RDA", "WRA")


@dataclass
class Request:
    tag: int
    address: int
    is_write: bool
    arrival: int
    row: int
    column: int
    group: int
    bank: int
    rank: int

    @property
    def place(self):
        return self.rank, self.group, self.bank

    @property
    def line(self):
        return self.address // 64


class DramTwin:
    def __init__(self, preset, mapping="m1", scheduler="fr-fcfs"):
        self.timing = preset.timing
        self.rules = preset.rules()
        self.mapping = preset.mapping(mapping)
        geometry = preset.geometry
        self.ranks = range(geometry.ranks)
        self.places = [
            (r, g, b) for r in self.ranks for g in range(geometry.groups) for b in range(geometry.banks_per_group)
        ]
        self.scheduler = SCHEDULERS[scheduler] if isinstance(scheduler, str) else scheduler
        self.per_bank = self.scheduler.refresh == "per-bank"
        # What is refreshed in turn: banks, or ranks.
        self.targets = self.places if self.per_bank else [(rank,) for rank in self.ranks]
        self.now = 0
        self.last_arrival = -1
        self.open_row = dict.fromkeys(self.places)
        self.history = {}
        self.due_refreshes = 0
        self.issued_refreshes = 0
        self.reads, self.writes = [], []
        self.due = []  # (clk, order, tag)
        self.order = 0
        self.commands = []
        # fr-fcfs
        self.active = []
        self.write_mode = False
        # bank-round-robin
        self.queues = {place: [] for place in self.places}
        self.hits = dict.fromkeys(self.places, 0)
        self.pointer = 0
        self.to_drain = 0
        # statistics
        self.clocks = {"active": 0, "precharged": 0, "refreshing": 0}
        self.refreshing_until = dict.fromkeys(self.ranks, 0)
        self.closing = {}  # place -> the clock at which its auto-precharge begins
        self.last = {}  # (place, command) -> clk
        self.accepted = [0, 0]
        self.forwarded = 0
        self.row_hits = 0

    # ---- timing -------------------------------------------------------------------------------------------

    @staticmethod
    def keys(command, place):
        """The scopes in which a command takes place."""
        if command in ("PREA", "REF"):
            return [("rank", place[0])]
        return [("rank", place[0]), ("group", *place[:2]), ("bank", *place)]

    def ready(self, command, place, clk):
        for rule in self.rules:
            if rule.following != command:
                continue
            if rule.scope == "other rank":
                keys = [("rank", rank) for rank in self.ranks if rank != place[0]]
            else:
                keys = [key for key in self.keys(command, place) if key[0] == rule.scope]
            for key in keys:
                clks = self.history.get((key, rule.preceding), [])
                if len(clks) >= rule.window and clk - clks[-rule.window] < rule.clocks:
                    return False
        return True

    def issue(self, command, place, clk, request=None):
        for key in self.keys(command, place):
            self.history.setdefault((key, command), []).append(clk)
        column = command in COLUMNS
        row = request.row if column or command == "ACT" else -1
        of_bank = command not in ("PREA", "REF")
        group, bank = place[1:] if of_bank else (-1, -1)
        self.commands.append((clk, command, group, bank, row, request.column if column else -1, place[0]))
        self.last[place, command] = clk
        if command == "ACT":
            self.open_row[place] = request.row
        elif command in ("PRE", "RDA", "WRA"):
            self.open_row[place] = None
        elif command == "PREA":
            for each in self.banks_of(place):
                self.open_row[each] = None
        elif command in ("REF", "REFPB"):
            self.issued_refreshes += 1
        if command == "REF":
            self.refreshing_until[place[0]] = clk + self.timing["tRFC"]
        elif command in ("RDA", "WRA"):
            t = self.timing
            to_precharge = t["tRTP"] if command == "RDA" else t["WL"] + t["BL_CK"] + t["tWR"]
            self.closing[place] = max(clk + to_precharge, self.last[place, "ACT"] + t["tRAS"])
        if command in ("RD", "RDA"):
            self.finish(request, clk + self.timing["RL"] + self.timing["BL_CK"])
        elif command in ("WR", "WRA") and self.scheduler.name != "bank-round-robin":
            self.finish(request, clk + self.timing["WL"] + self.timing["BL_CK"])

    def finish(self, request, clk):
        self.order += 1
        self.due.append((clk, self.order, request.tag))

    def banks_of(self, target):
        """A bank, or the banks of a rank."""
        return [place for place in self.places if place[: len(target)] == target]

    def any_open(self, target):
        return any(self.open_row[place] is not None for place in self.banks_of(target))

    def next_command(self, request, others):
        """`others`: the requests that keep a row open if they want it."""
        row = self.open_row[request.place]
        if row is None:
            return "ACT"
        if row != request.row:
            return "PRE"
        command = "WR" if request.is_write else "RD"
        wanted = any(o is not request and o.place == request.place and o.row == row for o in others)
        return command if self.scheduler.page == "open" or wanted else command + "A"

    def refresh_target(self):
        """The bank or rank whose refresh is due, or None."""
        pending = self.due_refreshes > self.issued_refreshes
        return self.targets[self.issued_refreshes % len(self.targets)] if pending else None

    def is_held(self, place):
        """Whether the pending refresh waits for this bank."""
        target = self.refresh_target()
        return target is not None and place[: len(target)] == target

    # ---- arrivals -----------------------------------------------------------------------------------------

    def waiting(self):
        queued = [request for queue in self.queues.values() for request in queue]
        return self.reads + self.writes + self.active + queued

    def submit(self, clk, tag, address, is_write):
        assert clk == self.now
        request = Request(tag, address, bool(is_write), clk, **self.mapping.decode(address))
        if self.scheduler.ideal:
            self.accepted[request.is_write] += 1
            self.finish(request, clk)
            return True
        if clk == self.last_arrival:
            return False
        same_line = [other for other in self.waiting() if other.line == request.line]
        forward = not is_write and any(other.is_write for other in same_line)
        if is_write and any(not other.is_write for other in same_line):
            return False
        queue, places = (
            (self.writes, self.scheduler.write_queue) if is_write else (self.reads, self.scheduler.read_queue)
        )
        if len(queue) >= places and not forward:
            return False
        self.last_arrival = clk
        self.accepted[request.is_write] += 1
        if forward:
            self.forwarded += 1
            self.finish(request, clk + 1)
            return True
        queue.append(request)
        if is_write and self.scheduler.name == "bank-round-robin":
            self.finish(request, clk + 1)
        return True

    # ---- clocks -------------------------------------------------------------------------------------------

    def advance(self, until, observe=True):
        """Done records and commands at clocks up to `until`."""
        seen = len(self.commands)
        done = self.take_done()
        while self.now < until:
            self.step()
            done += self.take_done()
        return done, self.commands[seen:]

    def take_done(self):
        now = sorted(entry for entry in self.due if entry[0] <= self.now)
        self.due = [entry for entry in self.due if entry[0] > self.now]
        return [(tag, clk) for clk, _, tag in now]

    def step(self):
        for rank in self.ranks:
            refreshing = self.now < self.refreshing_until[rank]
            closing = any(self.now < clk for place, clk in self.closing.items() if place[0] == rank)
            is_active = closing or self.any_open((rank,))
            self.clocks["refreshing" if refreshing else "active" if is_active else "precharged"] += 1
        if self.scheduler.ideal:
            self.now += 1
            return
        if self.scheduler.name == "bank-round-robin":
            self.move_transaction()  # of the clock before, after everything that arrived at it
        self.now += 1
        # Refresh k of so many to an interval is due at k tREFI / targets, rounded down.
        while (self.due_refreshes + 1) * self.timing["tREFI"] // len(self.targets) <= self.now:
            self.due_refreshes += 1
        if self.scheduler.name == "bank-round-robin":
            self.step_round_robin(self.now)
        else:
            self.step_fr_fcfs(self.now)

    # ---- fr-fcfs ------------------------------------------------------------------------------------------

    def update_write_mode(self):
        if len(self.writes) >= self.scheduler.write_high or not self.reads:
            self.write_mode = True
        elif len(self.writes) <= self.scheduler.write_low and self.reads:
            self.write_mode = False

    def best(self, requests, hold_precharge):
        """The oldest whose command meets all timings."""
        for request in sorted(requests, key=lambda each: each.arrival):
            command = self.next_command(request, self.reads + self.writes + self.active)
            if command == "PRE" and hold_precharge and any(a.place == request.place for a in self.active):
                continue
            if self.ready(command, request.place, self.now):
                return request, command
        return None

    def step_fr_fcfs(self, clk):
        old = self.scheduler.name == "fr-fcfs-ramulator1"
        if old:
            self.update_write_mode()
        found = self.best(self.active, hold_precharge=False)
        if found:
            request, command = found
            if command in COLUMNS:
                self.active.remove(request)
            self.issue(command, request.place, clk, request)
            return
        target = self.refresh_target()
        if target is not None:
            command = ("REFPB" if self.per_bank else "REF") if not self.any_open(target) else None
            if command is None and (old or not any(a.place[: len(target)] == target for a in self.active)):
                command = "PRE" if self.per_bank else "PREA"
            if command is not None and self.ready(command, target, clk):
                self.issue(command, target, clk)
                return
            if len(self.targets) == 1:
                return
        if not old:
            self.update_write_mode()
        queue = [each for each in (self.writes if self.write_mode else self.reads) if not self.is_held(each.place)]
        found = self.best(queue, hold_precharge=not old)
        if found:
            request, command = found
            if command != "PRE":
                (self.writes if self.write_mode else self.reads).remove(request)
            if command == "ACT":
                self.active.append(request)
            self.row_hits += command in COLUMNS
            self.issue(command, request.place, clk, request)

    # ---- bank-round-robin ---------------------------------------------------------------------------------

    def move_transaction(self):
        scheduler = self.scheduler
        queues_empty = not any(self.queues.values())
        full = len(self.writes) >= scheduler.write_queue
        if self.to_drain == 0 and (full or (len(self.writes) > scheduler.drain_over and queues_empty)):
            self.to_drain = len(self.writes)
        source = self.writes if self.to_drain else self.reads
        for request in source:
            if len(self.queues[request.place]) < scheduler.bank_queue:
                source.remove(request)
                self.queues[request.place].append(request)
                self.to_drain -= self.to_drain > 0
                return

    def step_round_robin(self, clk):
        target = self.refresh_target()
        if target is not None:
            refresh = "REFPB" if self.per_bank else "REF"
            if not self.any_open(target) and self.ready(refresh, target, clk):
                self.issue(refresh, target, clk)
                return
            for place in self.banks_of(target):
                if self.open_row[place] is not None and self.ready("PRE", place, clk):
                    self.issue("PRE", place, clk)
                    return
            if len(self.targets) == 1:
                return
        count = len(self.places)
        for step in range(1, count + 1):
            index = (self.pointer + step) % count
            if not self.is_held(self.places[index]) and self.issue_from(self.places[index], clk):
                self.pointer = index
                return

    def issue_from(self, place, clk):
        queue = self.queues[place]
        for request in queue:
            command = self.next_command(request, queue)
            if command == "PRE":
                wanted = any(other.row == self.open_row[place] for other in queue)
                if request is not queue[0] or (wanted and self.hits[place] < self.scheduler.row_hits):
                    continue
            if not self.ready(command, place, clk):
                continue
            if command == "ACT":
                self.hits[place] = 0
            elif command != "PRE":
                self.row_hits += self.hits[place] > 0
                self.hits[place] += 1
                queue.remove(request)
            self.issue(command, place, clk, request)
            return True
        return False

    def stats(self):
        names = [command for _, command, *_ in self.commands]
        return {
            "clocks": self.now,
            "active_clocks": self.clocks["active"],
            "precharged_clocks": self.clocks["precharged"],
            "refreshing_clocks": self.clocks["refreshing"],
            "commands": {name: names.count(name) for name in COMMANDS},
            "reads": self.accepted[0],
            "writes": self.accepted[1],
            "forwarded_reads": self.forwarded,
            "row_hits": self.row_hits,
        }
