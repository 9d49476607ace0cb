"""Non-blocking transport: queues, sockets for many, and a checker that sees every broken rule."""

import pytest

from cosim.kernel import CompleteBindingError, Module, Signal, Simulator
from cosim.tlm import (
    BindingError,
    DmiAccess,
    GenericPayload,
    GlobalQuantum,
    InitiatorSocket,
    MultiInitiatorSocket,
    MultiTargetSocket,
    PayloadPool,
    PeqWithCallback,
    PeqWithGet,
    Phase,
    ProtocolChecker,
    ProtocolError,
    QuantumKeeper,
    Response,
    Sync,
    TargetSocket,
)

BEGIN_REQ, END_REQ, BEGIN_RESP, END_RESP = Phase.BEGIN_REQ, Phase.END_REQ, Phase.BEGIN_RESP, Phase.END_RESP


def accept(payload, phase, delay):
    return Sync.ACCEPTED, phase, delay


def linked(forward=accept, backward=accept):
    env = Simulator()
    target = TargetSocket(Module(env, "target"), "s", nb_transport_fw=forward)
    initiator = InitiatorSocket(Module(env, "initiator"), "s", nb_transport_bw=backward)
    initiator.bind(target)
    return initiator, target, ProtocolChecker(initiator)


def play(calls, forward=accept):
    """Make the calls (path, payload number, phase, delay) and return the checker."""
    initiator, target, checker = linked(forward)
    payloads = [GenericPayload.write(number, b"x") for number in range(3)]
    for path, number, phase, *delay in calls:
        call = initiator.nb_transport_fw if path == "fw" else target.nb_transport_bw
        call(payloads[number], phase, *(delay or [0]))
    return checker


WHOLE = [("fw", 0, BEGIN_REQ), ("bw", 0, END_REQ), ("bw", 0, BEGIN_RESP), ("fw", 0, END_RESP)]


@pytest.mark.parametrize(
    "calls",
    [
        WHOLE,
        WHOLE + WHOLE,
        [("fw", 0, BEGIN_REQ), ("bw", 0, BEGIN_RESP), ("fw", 0, END_RESP)],
        [*WHOLE[:2], ("fw", 1, BEGIN_REQ), *WHOLE[2:], ("bw", 1, END_REQ), ("bw", 1, BEGIN_RESP), ("fw", 1, END_RESP)],
        [("fw", 0, Phase("OWN")), *WHOLE],
    ],
)
def test_what_the_base_protocol_allows(calls):
    play(calls).finish()


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ([("fw", 0, BEGIN_REQ), ("fw", 1, BEGIN_REQ)], r"the request of .*0x0.* has not ended$"),
        ([*WHOLE[:3], ("bw", 1, END_REQ)], r"END_REQ of .*: the transaction has not begun, or is over$"),
        ([WHOLE[0], WHOLE[2], ("bw", 0, END_REQ)], r"END_REQ of .*: its last phase was BEGIN_RESP$"),
        ([*WHOLE[:2], ("fw", 1, BEGIN_REQ), WHOLE[2], ("bw", 1, BEGIN_RESP)], r"the response of .* has not ended$"),
        ([*WHOLE[:2], ("fw", 0, END_RESP)], r"END_RESP of .*: its last phase was END_REQ$"),
        ([*WHOLE, ("fw", 0, END_RESP)], r"the transaction has not begun, or is over$"),
        ([("fw", 0, BEGIN_REQ), ("fw", 0, BEGIN_REQ)], r"is under way, its last phase was BEGIN_REQ$"),
        ([("fw", 0, BEGIN_RESP)], r"BEGIN_RESP of .*: not on the forward path$"),
        ([WHOLE[0], ("bw", 0, END_RESP)], r"END_RESP of .*: not on the backward path$"),
        ([*WHOLE[:3], ("bw", 0, BEGIN_RESP)], r"its last phase was BEGIN_RESP$"),
        ([("fw", 0, BEGIN_REQ, -1)], r"negative delay -1$"),
    ],
)
def test_every_broken_rule_is_named(calls, message):
    with pytest.raises(ProtocolError, match=r"^initiator\.s: .*" + message):
        play(calls)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((Sync.UPDATED, END_RESP, 0), r"END_RESP of .*: returned for BEGIN_REQ$"),
        ((Sync.UPDATED, END_REQ, -2), r"negative delay -2 returned$"),
    ],
)
def test_answers_are_checked(answer, message):
    with pytest.raises(ProtocolError, match=message):
        play([("fw", 0, BEGIN_REQ)], lambda payload, phase, delay: answer)


def test_a_transaction_left_open_is_found():
    with pytest.raises(ProtocolError, match=r"has not ended; its last phase was END_REQ$"):
        play(WHOLE[:2]).finish()
    play([("fw", 0, BEGIN_REQ)], lambda payload, phase, delay: (Sync.COMPLETED, phase, delay)).finish()


def test_one_function_for_many_initiators_and_back():
    env = Simulator()
    hub, log = Module(env, "hub"), []

    def b_transport(index, payload, delay):
        log.append(("b", index, payload.address))
        return delay + index

    def forward(index, payload, phase, delay):
        return socket.sockets[index].nb_transport_bw(payload, BEGIN_RESP, delay)

    socket = MultiTargetSocket(hub, "s", b_transport, nb_transport_fw=forward)
    initiators = []
    for number in range(3):

        def backward(payload, phase, delay, number=number):
            log.append(("bw", number, phase))
            return Sync.COMPLETED, phase, delay

        initiators.append(InitiatorSocket(Module(env, f"i{number}"), "s", nb_transport_bw=backward))
        initiators[-1].bind(socket)
    assert initiators[2].b_transport(GenericPayload.read(7, 1), 10) == 12
    initiators[1].nb_transport_fw(GenericPayload.read(7, 1), BEGIN_REQ, 0)
    assert log == [("b", 2, 7), ("bw", 1, BEGIN_RESP)]
    assert initiators[1].peer.full_name == "hub.s_1"
    assert initiators[1].transport_dbg(GenericPayload.read(7, 1)) == 0
    granted, region = initiators[1].get_direct_mem_ptr(GenericPayload.read(7, 1))
    assert (granted, region.covers(7, DmiAccess.NONE)) == (False, True)


def test_one_initiator_for_many_targets():
    env = Simulator()
    log = []
    initiator = MultiInitiatorSocket(
        Module(env, "i"),
        "s",
        nb_transport_bw=lambda index, payload, phase, delay: log.append(index) or (Sync.COMPLETED, phase, delay),
        invalidate_direct_mem_ptr=lambda index, start, end: log.append((index, start, end)),
    )
    modules = [Module(env, f"t{number}") for number in range(2)]
    targets = [TargetSocket(module, "s", lambda payload, delay: delay, nb_transport_fw=accept) for module in modules]
    for target in targets:
        initiator.bind(target)
    assert [socket.peer for socket in initiator.sockets] == targets
    targets[1].nb_transport_bw(GenericPayload(), BEGIN_RESP, 0)
    targets[0].invalidate_direct_mem_ptr(3, 4)
    assert log == [1, (0, 3, 4)]


def test_what_cannot_be_bound_or_called():
    env = Simulator()
    module = Module(env, "m")
    with pytest.raises(BindingError, match=r"^m\.s: a target needs b_transport or nb_transport_fw$"):
        TargetSocket(module, "s")
    target = TargetSocket(module, "t", lambda payload, delay: delay)
    with pytest.raises(BindingError, match=r"^m\.t: no initiator with nb_transport_bw is bound$"):
        target.nb_transport_bw(GenericPayload(), BEGIN_RESP, 0)
    with pytest.raises(BindingError, match=r"^m\.t: phase END_REQ on the forward path$"):
        target.nb_transport_fw(GenericPayload(), END_REQ, 0)
    with pytest.raises(BindingError, match=r"^m\.t: END_RESP of .*, which has no open response$"):
        target.nb_transport_fw(GenericPayload(), END_RESP, 0)
    InitiatorSocket(module, "open")
    with pytest.raises(CompleteBindingError, match=r"^m\.open is not bound$"):
        env.run()


@pytest.mark.parametrize("simpy_process", [False, True])
def test_threads_and_simpy_processes_call_a_non_blocking_target(simpy_process):
    env = Simulator()
    module, log = Module(env, "t"), []

    def forward(payload, phase, delay):
        queue.notify(payload, phase, delay + 20)
        return Sync.ACCEPTED, phase, delay

    def due(payload, phase):
        payload.response = Response.OK
        target.nb_transport_bw(payload, BEGIN_RESP, 5)

    target = TargetSocket(module, "s", nb_transport_fw=forward)
    queue = PeqWithCallback(module, due)
    initiator = InitiatorSocket(Module(env, "i"), "s")
    initiator.bind(target)

    def program():
        for _ in range(2):
            payload = GenericPayload.read(0, 1)
            delay = yield from initiator.b_transport(payload, 3)
            log.append((env.now, delay, payload.is_ok))

    (initiator.module.process if simpy_process else initiator.module.thread)(program() if simpy_process else program)
    env.run()
    assert log == [(28, 0, True), (56, 0, True)]


def test_a_queue_hands_out_what_is_due_in_order():
    env = Simulator()
    top = Module(env, "top")
    queue, log = PeqWithGet(top, "q"), []
    payloads = [GenericPayload.read(number, 1) for number in range(4)]

    def server():
        while True:
            while (payload := queue.get()) is not None:
                log.append((env.now, payload.address))
            yield queue.event

    top.thread(server, server=True)
    for number, delay in enumerate((30, 10, 10, 0)):
        queue.notify(payloads[number], delay)
    env.run(until=20)
    assert log == [(0, 3), (10, 1), (10, 2)]
    queue.cancel_all()
    env.run()
    assert len(log) == 3


def test_a_pool_counts_what_is_in_use():
    pool = PayloadPool()
    payload = pool.get()
    payload.acquire()
    payload.release()
    assert (pool.live, payload.references) == (1, 1)
    payload.release()
    assert pool.live == 0
    other = pool.get()
    other.references = 0
    with pytest.raises(RuntimeError, match=r"is released more often than acquired$"):
        other.release()
    GenericPayload().release()  # without a pool nothing is counted


def test_quantum_both_sides():
    env = Simulator()
    quantum = GlobalQuantum(env, 100)
    keeper = QuantumKeeper(quantum)
    keeper.inc(99)
    assert not keeper.need_sync()
    keeper.inc(1)
    assert keeper.need_sync()
    with pytest.raises(ValueError, match=r"^quantum: expected at least 0, got -1$"):
        quantum.value = -1


def test_an_interrupt_is_a_signal():
    env = Simulator()
    top = Module(env, "top")
    line, log = Signal(top, "irq", False), []

    def device():
        yield env.timeout(50)
        line.write(True)

    def handler():
        yield line.posedge_event
        log.append(env.now)

    top.process(device())
    top.process(handler())
    env.run()
    assert log == [50]
