"""The data behind a memory target against a plain array of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from cosim.tlm import Command, GenericPayload, Response
from cosim.tlm.store import PAGE_BYTES, ByteStore

SIZE = 3 * PAGE_BYTES - 100  # the last page is not whole

payloads = st.builds(
    lambda command, address, data, enable: GenericPayload(command, address, bytearray(data), byte_enable=enable),
    st.sampled_from(Command),
    # Around the borders of pages, and outside.
    st.builds(int.__add__, st.sampled_from([0, PAGE_BYTES, 2 * PAGE_BYTES, SIZE]), st.integers(-20, 20)),
    st.binary(max_size=60) | st.just(bytes(range(1, 256)) * 20),
    st.none() | st.lists(st.sampled_from([0x00, 0xFF]), max_size=5).map(bytes),
)


@given(st.lists(payloads, max_size=8))
def test_payloads_move_what_a_plain_array_would(moved):
    store, plain, written = ByteStore(SIZE), bytearray(SIZE), set()
    for payload in moved:
        expected, length, unwritten = bytearray(payload.data), 0, 0
        if payload.command is not Command.IGNORE and 0 <= payload.address < SIZE:
            length = min(len(expected), SIZE - payload.address)
        for i in range(length):
            if payload.byte_enable and not payload.byte_enable[i % len(payload.byte_enable)]:
                continue
            if payload.is_write:
                plain[payload.address + i] = expected[i]
                written.add(payload.address + i)
            else:
                expected[i] = plain[payload.address + i]
                unwritten += payload.address + i not in written
        assert store.unwritten(payload) == unwritten
        assert store.move(payload) == length
        assert payload.data == expected
    whole = GenericPayload.read(0, SIZE)
    store.move(whole)
    assert whole.data == plain


def test_what_is_no_access():
    store = ByteStore(SIZE)
    assert store.refusal(GenericPayload.read(SIZE - 8, 8)) is None
    assert store.refusal(GenericPayload.read(SIZE - 7, 8)) is Response.ADDRESS_ERROR
    assert store.refusal(GenericPayload.write(-1, b"x")) is Response.ADDRESS_ERROR
    assert store.refusal(GenericPayload.read(0, 0)) is Response.BURST_ERROR
    assert store.refusal(GenericPayload(Command.READ, 0, bytearray(8), streaming_width=4)) is Response.BURST_ERROR
    assert store.refusal(GenericPayload(Command.IGNORE, -1, bytearray(8))) is Response.OK
