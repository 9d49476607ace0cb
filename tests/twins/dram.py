"""The DRAM controller clock by clock, from the words that describe its policies; slow and obvious.

Every clock is looked at, every request is asked for its next command, every rule is looked up in the history of
commands. `DramTwin` has the methods of `cosim.models.dram.Controller`; a request is submitted at the clock that was
advanced to.
"""

from dataclasses import dataclass

from cosim.models.dram import SCHEDULERS


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

    @property
    def place(self):
        return self.group, self.bank

    @property
    def line(self):
        return self.address // 64


class DramTwin:
    def __init__(self, preset, mapping="m1", scheduler="fr-fcfs"):
        self.timing = preset.timing
        self.rules = preset.rules()
        self.mapping = preset.mapping(mapping)
        geometry = preset.geometry
        self.places = [(g, b) for g in range(geometry.groups) for b in range(geometry.banks_per_group)]
        self.scheduler = SCHEDULERS[scheduler] if isinstance(scheduler, str) else scheduler
        self.now = 0
        self.last_arrival = -1
        self.open_row = dict.fromkeys(self.places)
        self.history = {}
        self.pending_refreshes = 0
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
        self.refreshing_until = 0
        self.accepted = [0, 0]
        self.forwarded = 0
        self.row_hits = 0

    # ---- timing -------------------------------------------------------------------------------------------

    @staticmethod
    def keys(command, place):
        """The scopes in which a command takes place."""
        if command in ("PREA", "REF"):
            return [("rank",)]
        return [("rank",), ("group", place[0]), ("bank", *place)]

    def ready(self, command, place, clk):
        for rule in self.rules:
            if rule.following != command:
                continue
            for key in self.keys(command, place):
                clks = self.history.get((key, rule.preceding), [])
                late = key[0] == rule.scope and len(clks) >= rule.window
                if late and clk - clks[-rule.window] < rule.clocks:
                    return False
        return True

    def issue(self, command, place, clk, request=None):
        for key in self.keys(command, place):
            self.history.setdefault((key, command), []).append(clk)
        column = command in ("RD", "WR")
        row = request.row if column or command == "ACT" else -1
        of_bank = command not in ("PREA", "REF")
        group, bank = place if of_bank else (-1, -1)
        self.commands.append((clk, command, group, bank, row, request.column if column else -1))
        if command == "ACT":
            self.open_row[place] = request.row
        elif command == "PRE":
            self.open_row[place] = None
        elif command == "PREA":
            self.open_row = dict.fromkeys(self.places)
        elif command == "REF":
            self.pending_refreshes -= 1
            self.refreshing_until = clk + self.timing["tRFC"]
        elif command == "RD":
            self.finish(request, clk + self.timing["RL"] + self.timing["BL_CK"])
        elif self.scheduler.policy != "bank-round-robin":
            self.finish(request, clk + self.timing["WL"] + self.timing["BL_CK"])

    def finish(self, request, clk):
        self.order += 1
        self.due.append((clk, self.order, request.tag))

    def any_open(self):
        return any(row is not None for row in self.open_row.values())

    def next_command(self, request):
        row = self.open_row[request.place]
        if row is None:
            return "ACT"
        if row == request.row:
            return "WR" if request.is_write else "RD"
        return "PRE"

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
        if is_write and self.scheduler.policy == "bank-round-robin":
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
        refreshing = self.now < self.refreshing_until
        self.clocks["refreshing" if refreshing else "active" if self.any_open() else "precharged"] += 1
        if self.scheduler.ideal:
            self.now += 1
            return
        if self.scheduler.policy == "bank-round-robin":
            self.move_transaction()  # of the clock before, after everything that arrived at it
        self.now += 1
        if self.now % self.timing["tREFI"] == 0:
            self.pending_refreshes += 1
        if self.scheduler.policy == "bank-round-robin":
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
            command = self.next_command(request)
            if command == "PRE" and hold_precharge and any(a.place == request.place for a in self.active):
                continue
            if self.ready(command, request.place, self.now):
                return request, command
        return None

    def step_fr_fcfs(self, clk):
        old = self.scheduler.policy == "fr-fcfs-ramulator1"
        if old:
            self.update_write_mode()
        found = self.best(self.active, hold_precharge=False)
        if found:
            request, command = found
            if command in ("RD", "WR"):
                self.active.remove(request)
            self.issue(command, request.place, clk, request)
            return
        if self.pending_refreshes:
            if not self.any_open():
                if self.ready("REF", None, clk):
                    self.issue("REF", None, clk)
            elif (old or not self.active) and self.ready("PREA", None, clk):
                self.issue("PREA", None, clk)
            return
        if not old:
            self.update_write_mode()
        queue = self.writes if self.write_mode else self.reads
        found = self.best(queue, hold_precharge=not old)
        if found:
            request, command = found
            if command != "PRE":
                queue.remove(request)
            if command == "ACT":
                self.active.append(request)
            self.row_hits += command in ("RD", "WR")
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
        if self.pending_refreshes:
            if not self.any_open():
                if self.ready("REF", None, clk):
                    self.issue("REF", None, clk)
                return
            for place in self.places:
                if self.open_row[place] is not None and self.ready("PRE", place, clk):
                    self.issue("PRE", place, clk)
                    return
            return
        count = len(self.places)
        for step in range(1, count + 1):
            index = (self.pointer + step) % count
            if self.issue_from(self.places[index], clk):
                self.pointer = index
                return

    def issue_from(self, place, clk):
        queue = self.queues[place]
        for request in queue:
            command = self.next_command(request)
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
            "commands": {name: names.count(name) for name in ("ACT", "PRE", "PREA", "RD", "WR", "REF")},
            "reads": self.accepted[0],
            "writes": self.accepted[1],
            "forwarded_reads": self.forwarded,
            "row_hits": self.row_hits,
        }
