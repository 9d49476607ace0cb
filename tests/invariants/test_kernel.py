"""Laws of the kernel over random designs: time, drained ends, split runs and observers, idle parts.

Seen to turn red: a run that takes the instant of its end along; an end that stays in the queue after a pause;
`blocked` without threads, or with servers; zero-time loops without their check, with four times the limit, or
unlimited within one evaluation phase; waits one unit short; an observer that counts a delta cycle; a negative delay
of a notification.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invariants.random_designs import Design, designs

from cosim.kernel import DeadlockError, Event, Fifo, Method, Module, Signal, Simulator, ZeroTimeLoopError

seeds = st.none() | st.integers(0, 5)


def run_whole(processes, seed=None):
    design = Design(Simulator(shuffle_seed=seed), processes)
    design.simulator.run()
    return design


# ---- time never decreases ---------------------------------------------------------------------------------


@given(designs, seeds)
def test_time_never_decreases(processes, seed):
    simulator = Simulator(shuffle_seed=seed)
    design, instants = Design(simulator, processes), []
    simulator.observe_time(instants.append)
    simulator.run()
    times = [row[0] for row in design.log]
    assert times == sorted(times)
    assert instants == sorted(set(instants))
    assert not times or times[-1] <= simulator.now


@given(st.integers(1, 100), st.integers(1, 20))
def test_nothing_is_scheduled_in_the_past(now, back):
    simulator = Simulator(now)
    event = Event(simulator, "e")
    for schedule in (
        lambda: simulator.timeout(-back),
        lambda: event.notify(-back),
        lambda: simulator.schedule(simulator.event(), delay=-back),
        lambda: simulator.run(until=now - back),
        lambda: simulator.run(until=now),
        lambda: simulator.start(-back),
    ):
        with pytest.raises(ValueError, match=r"egative|past|greater|at least 0"):
            schedule()
    assert simulator.now == now


def zero_time_loops(simulator, steps):
    """Loops of `steps` steps at one instant, in every way that there is."""
    top = Module(simulator, "top")
    event, back = Event(top, "e"), Event(top, "back")
    left = iter(range(steps))

    def delta():
        for _ in left:
            yield 0

    def timeouts():
        for _ in left:
            yield simulator.timeout(0)

    def immediate():
        for _ in left:
            event.notify()
            yield back

    def answer():
        while True:
            yield event
            back.notify()

    signal = Signal(top, "s", 0)

    def oscillate():
        if next(left, None) is not None:
            signal.write(1 - signal.read())

    return {
        "delta": lambda: top.thread(delta),
        "timeouts": lambda: top.process(timeouts()),
        "immediate": lambda: [top.thread(answer, server=True), top.thread(immediate)],
        "method": lambda: top.method(oscillate, sensitive=[signal]),
    }


@given(st.sampled_from(("delta", "timeouts", "immediate", "method")), st.integers(5, 40))
def test_a_loop_in_zero_time_is_bounded(kind, limit):
    # Both sides: half as many steps as the limit never end the run, three times as many always do.
    for steps, fails in ((limit // 4, False), (3 * limit + 6, True)):
        simulator = Simulator()
        simulator.max_zero_time_steps = limit
        zero_time_loops(simulator, steps)[kind]()
        if fails:
            with pytest.raises(ZeroTimeLoopError, match=f"more than {limit} steps at t=0"):
                simulator.run()
        else:
            simulator.run()
        assert simulator.now == 0


# ---- at a drained end -------------------------------------------------------------------------------------


@given(designs, seeds)
def test_who_is_blocked_at_the_end_is_who_has_not_finished(processes, seed):
    design = run_whole(processes, seed)
    names = [f"{kind}{index}" for index, (kind, _) in enumerate(processes) if kind != "method"]
    unfinished = {f"top.{name}" for name in names if name not in design.finished}
    assert {name for name, _ in design.simulator.blocked()} == unfinished
    if unfinished:
        with pytest.raises(DeadlockError) as raised:
            design.simulator.check_drained()
        assert {name for name, _ in raised.value.blocked} == unfinished
    else:
        design.simulator.check_drained()


class Service:
    """Clients ask servers through a fifo, and get answers through fifos of their own; that to `lost` never comes."""

    def __init__(self, simulator, clients, servers, lost=None):
        top = Module(simulator, "top")
        self.requests = Fifo(top, "requests", 2)
        self.lost, self.answers = lost, {}
        for index in range(servers):
            top.thread(lambda index=index: self.serve(index), f"server{index}", server=True)
        for index, delays in enumerate(clients):
            answers = Fifo(top, f"answers{index}", 1)
            body = self.ask(index, delays, answers)
            if index % 2:
                top.process(body, f"client{index}")
            else:
                top.thread(body, f"client{index}")

    def serve(self, index):
        while True:
            key, answers = yield from self.requests.read()
            yield 1 + index
            if key != self.lost:
                yield from answers.write(key)

    def ask(self, index, delays, answers):
        for number, delay in enumerate(delays):
            yield delay
            yield from self.requests.write(((index, number), answers))
            key = yield from answers.read()
            self.answers[key] = self.answers.get(key, 0) + 1


clients = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=4)


@given(clients, st.integers(1, 3), seeds)
def test_every_request_has_exactly_one_answer(clients, servers, seed):
    simulator = Simulator(shuffle_seed=seed)
    service = Service(simulator, clients, servers)
    simulator.run()
    simulator.check_drained()
    asked = {(index, number) for index, delays in enumerate(clients) for number in range(len(delays))}
    assert service.answers == dict.fromkeys(asked, 1)


@given(clients, st.integers(1, 3), seeds)
def test_whose_answer_is_lost_is_named(clients, servers, seed):
    simulator = Simulator(shuffle_seed=seed)
    Service(simulator, clients, servers, lost=(len(clients) - 1, 0))
    simulator.run()
    with pytest.raises(DeadlockError) as raised:
        simulator.check_drained()
    assert [name for name, _ in raised.value.blocked] == [f"top.client{len(clients) - 1}"]


# ---- runs in pieces, under observation --------------------------------------------------------------------

END = 60


@given(designs, st.lists(st.integers(1, END - 1), max_size=5), seeds, st.sampled_from(("run", "start", "observed")))
def test_a_run_in_pieces_is_the_run(processes, cuts, seed, how):
    def outcome(cuts):
        simulator = Simulator(shuffle_seed=seed)
        design = Design(simulator, processes)
        seen = []
        for until in [*sorted(set(cuts)), END]:
            if how == "start":
                simulator.start(until - simulator.now)
            else:
                simulator.run(until=until)
            if how == "observed":
                # Another observer for every piece.
                if seen:
                    simulator.unobserve_time(seen[-1].append)
                seen.append([])
                simulator.observe_time(seen[-1].append)
        return design.log, design.finished, simulator.now, simulator.delta_count, simulator.blocked()

    assert outcome(cuts) == outcome([])


@given(designs, st.integers(0, 3), seeds)
def test_an_observer_changes_nothing(processes, observers, seed):
    watched = Design(Simulator(shuffle_seed=seed), processes)
    for _ in range(observers):
        watched.simulator.observe_time(lambda _: [signal.read() for signal in watched.signals])
    watched.simulator.run()
    plain = run_whole(processes, seed)
    assert (watched.log, watched.simulator.delta_count) == (plain.log, plain.simulator.delta_count)


@given(designs, st.integers(1, 20))
def test_a_pause_changes_nothing(processes, at):
    def outcome(pauses):
        simulator = Simulator()
        design = Design(simulator, processes)

        def body():
            yield at
            if pauses:
                simulator.pause()

        design.top.thread(body, "pauses")
        if pauses:
            simulator.run(until=END)
            assert simulator.now == at
        # Further than the run that was paused would have gone.
        simulator.run(until=END + 10)
        return design.log, simulator.now, simulator.delta_count

    assert outcome(True) == outcome(False)


# ---- idle parts -------------------------------------------------------------------------------------------


class Idle(Module):
    """Has one of everything, and nothing ever happens to it."""

    def __init__(self, parent, name):
        super().__init__(parent, name)
        never, signal, fifo = Event(self, "never"), Signal(self, "signal", 0), Fifo(self, "fifo", 2)
        Method(self, self.fail, "method", sensitive=[never, signal, fifo.data_written_event], dont_initialize=True)
        self.thread(self.fail, "thread", sensitive=[signal], dont_initialize=True, server=True)
        self.simulator.attach(self, self.full_name)
        never.notify(5)
        never.cancel()

    def fail(self):
        raise AssertionError("nothing should have happened to an idle part")

    def next(self):
        return 2**63 - 1

    def advance(self, limit):
        return 2**63 - 1

    def deliver(self):
        self.fail()


@given(designs, st.sampled_from(("before", "after", "both")))
def test_an_idle_part_changes_nothing(processes, where):
    simulator = Simulator()
    if where != "after":
        Idle(simulator, "aaa")
    design = Design(simulator, processes)
    if where != "before":
        Idle(simulator, "zzz")
    simulator.run()
    plain = run_whole(processes)
    assert design.log == plain.log
    assert (simulator.now, simulator.delta_count) == (plain.simulator.now, plain.simulator.delta_count)
    assert simulator.blocked() == plain.simulator.blocked()
