"""The fabric's C functions at and beyond their limits: every misuse has a status, nothing is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.clib import ffi, lib
from cosim.kernel import NEVER, ClockDomain, Simulator
from cosim.models.fabric import Fabric, SramPart
from cosim.models.sram import MemoryConfig, MemoryState

pytestmark = pytest.mark.c_library

CONFIG = {
    "nocs": 1, "drams": 1, "srams": 1, "endpoints": 1, "max_descriptors": 3, "max_requests": 4, "burst_bytes": 64,
    "port_interleave_bytes": 256, "channel_interleave_bytes": 256,
}  # fmt: skip
CLOCK = {"period_num": 1000, "period_den": 1}
NOC = {"clock": CLOCK, "ideal": 1, "flit_bytes": 16, "mesh_x": 2, "memory_ports": 1, "memory_nodes": [1]}
SRAM = {"clock": CLOCK, "ideal": 1, "word_bytes": 16, "memories": 2, "words": 64}
ENDPOINT = {"noc": 0, "node": 0, "sram": 0, "client": 0, "outstanding": 2, "request_bytes": 64}
DAY_PS = 86_400 * 10**12


class Ideal:
    """A fabric whose parts are all ideal, so that no part's state is needed."""

    def __init__(self, **changes):
        config = ffi.new("cs_fabric_config *", CONFIG | changes.get("config", {}))
        size = ffi.new("size_t *")
        self.status = lib.cs_fabric_state_bytes(config, size)
        if self.status != lib.CS_OK:
            return
        self.bytes = size[0]
        self.state = ffi.new("uint64_t[]", self.bytes // 8)
        self.status = lib.cs_fabric_init(
            self.state, self.bytes, config,
            ffi.new("cs_fabric_noc *", NOC | changes.get("noc", {})),
            ffi.new("cs_fabric_dram *", {"clock": CLOCK, "ideal": 1} | changes.get("dram", {})),
            ffi.new("cs_fabric_sram *", SRAM | changes.get("sram", {})),
            ffi.new("cs_fabric_endpoint *", ENDPOINT | changes.get("endpoint", {})),
        )  # fmt: skip
        self.nothing = (ffi.new("void *[1]"), ffi.new("size_t[1]"))
        pointers = dict.fromkeys(("noc", "dram", "sram"), self.nothing[0])
        sizes = {f"{name}_bytes": self.nothing[1] for name in ("noc", "dram", "sram")}
        self.parts = ffi.new("cs_fabric_parts *", pointers | sizes)

    def submit_all(self, records, now=0):
        """Status, how many were taken, and when something happens next."""
        plain = {"tag": 1, "row_bytes": 1, "rows": 1}
        asked = ffi.new("cs_fabric_descriptor[]", [plain | record for record in records])
        taken, time = ffi.new("size_t *"), ffi.new("int64_t *")
        status = lib.cs_fabric_submit(self.state, self.bytes, self.parts, now, asked, len(records), taken, time)
        return status, taken[0], time[0]

    def submit(self, now=0, **fields):
        return self.submit_all([fields], now)[0]

    def access(self, now=0, address=0):
        return self.submit(now, tag=9, kind=lib.CS_FABRIC_ACCESS, address=address)

    def take(self, capacity):
        records, count = ffi.new("cs_fabric_done[]", capacity), ffi.new("size_t *")
        time = ffi.new("int64_t *")
        status = lib.cs_fabric_advance(self.state, self.bytes, self.parts, 0, records, capacity, count, time)
        assert time[0] == (0 if status == lib.CS_FULL else NEVER)
        return status, [int(records[index].tag) for index in range(count[0])]


def test_the_plain_configuration_is_one():
    assert Ideal().status == lib.CS_OK


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"burst_bytes": 48}},
        {"config": {"max_requests": 0}},
        {"config": {"max_requests": 1}},  # less than the endpoint's window
        {"config": {"channel_interleave_bytes": 0}},
        {"noc": {"clock": {"period_num": 1, "period_den": 2}}},  # two edges in a picosecond
        {"dram": {"clock": {"period_num": 1 << 31, "period_den": 1}}},
        {"sram": {"clock": {"period_num": 0, "period_den": 1}}},
        {"noc": {"memory_nodes": [-1]}},
        {"noc": {"memory_nodes": [65536]}},
        {"noc": {"memory_ports": 17}},
        {"sram": {"words": 1 << 41}},
        {"sram": {"memories": 257}},
        {"endpoint": {"node": 65536}},
        {"endpoint": {"noc": 1}},
        {"endpoint": {"outstanding": 0}},
        {"endpoint": {"request_bytes": 96}},
        {"endpoint": {"request_bytes": -64}},
        {"endpoint": {"request_bytes": 512}, "config": {"channel_interleave_bytes": 512}},  # two memory ports
        {"endpoint": {"request_bytes": 256}, "config": {"channel_interleave_bytes": 128}},
    ],
    ids=str,
)
def test_what_is_no_configuration(changes):
    assert Ideal(**changes).status == lib.CS_EINVAL


LAST = (1 << 63) - 1


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"address": LAST - 1}, True),
        ({"address": LAST, "row_bytes": 2}, False),
        ({"rows": 2, "stride_bytes": LAST - 1}, True),
        ({"rows": 2, "stride_bytes": LAST}, False),
        ({"rows": 3, "stride_bytes": 1 << 62}, False),
        ({"rows": 1, "stride_bytes": LAST}, True),
        ({"rows": LAST, "row_bytes": LAST}, False),
        ({"word": 1 << 40}, True),
        ({"word": (1 << 40) + 1}, False),
        ({"kind": 2, "far_word": (1 << 40) + 1}, False),
        ({"kind": 2, "far_node": 65535}, True),
        ({"kind": 2, "far_node": 65536}, False),
        ({"kind": 2, "far_node": -1}, False),
        ({"kind": 3}, True),
        ({"kind": 3, "address": -1}, False),
        ({"kind": 3, "address": LAST, "endpoint": -1, "word": -1, "row_bytes": 0, "rows": 0, "memory": -1}, True),
        ({"kind": 4, "row_bytes": 0, "memory": 1}, True),
        ({"kind": 4, "memory": 2}, False),
        ({"kind": 4, "memory": -1}, False),
        ({"kind": 4, "endpoint": 1}, False),
        ({"kind": 4, "endpoint": -1}, False),
        ({"kind": 4, "client": -1}, False),
        ({"kind": 4, "word": -1}, False),
        ({"kind": 4, "rows": 0}, True),
        ({"kind": 4, "rows": -1}, False),
        ({"kind": 5}, False),
        ({"kind": -1}, False),
        ({"now": 1 << 62}, True),
        ({"now": (1 << 62) + 1}, False),
    ],
    ids=str,
)
def test_descriptors_at_their_limits(fields, allowed):
    assert Ideal().submit(**fields) == (lib.CS_OK if allowed else lib.CS_EINVAL)


def test_completions_that_were_not_taken_are_not_overwritten():
    fabric = Ideal()
    sent = []
    for tag in range(100):
        if fabric.submit(tag=tag) != lib.CS_OK:
            break
        sent.append(tag)
    assert len(sent) == CONFIG["max_descriptors"] + CONFIG["max_requests"]
    assert fabric.access() == lib.CS_FULL
    assert fabric.take(2) == (lib.CS_FULL, sent[:2])
    assert fabric.submit(tag=7) == lib.CS_OK
    assert fabric.take(100) == (lib.CS_OK, [*sent[2:], 7])


def test_what_is_behind_a_refused_request_is_not_looked_at():
    fabric = Ideal()
    good, bad = {"tag": 3}, {"tag": 4, "kind": 5}
    assert fabric.submit_all([good, good, bad, good]) == (lib.CS_EINVAL, 2, 0)
    assert fabric.take(9) == (lib.CS_OK, [3, 3])
    assert fabric.submit_all([good] * 9) == (lib.CS_FULL, 7, 0)
    assert fabric.take(9) == (lib.CS_OK, [3] * 7)
    assert fabric.submit_all([]) == (lib.CS_OK, 0, NEVER)
    assert fabric.submit_all([good]) == (lib.CS_OK, 1, 0)


def test_null_parts_and_strange_states_are_refused():
    fabric = Ideal()
    time = ffi.new("int64_t *")
    for missing in ("noc", "dram", "sram", "noc_bytes", "dram_bytes", "sram_bytes"):
        broken = Ideal()
        setattr(broken.parts, missing, ffi.NULL)
        assert broken.submit() == broken.access() == lib.CS_EINVAL
        assert lib.cs_fabric_next(broken.state, broken.bytes, broken.parts, time) == lib.CS_EINVAL
        crooked_part = ffi.cast("char *", getattr(fabric.parts, missing)) + 1
        setattr(broken.parts, missing, ffi.cast(ffi.typeof(getattr(fabric.parts, missing)), crooked_part))
        assert lib.cs_fabric_next(broken.state, broken.bytes, broken.parts, time) == lib.CS_EBUFFER
    assert lib.cs_fabric_next(fabric.state, fabric.bytes - 8, fabric.parts, time) == lib.CS_EBUFFER
    crooked = ffi.cast("char *", fabric.state) + 4
    assert lib.cs_fabric_next(crooked, fabric.bytes - 4, fabric.parts, time) == lib.CS_EBUFFER
    assert lib.cs_fabric_next(ffi.new("uint64_t[]", fabric.bytes // 8), fabric.bytes, fabric.parts, time) == (
        lib.CS_ESTATE
    )


PERIODS = st.one_of(
    st.fractions(1, 10**6, max_denominator=(1 << 31) - 1).filter(lambda p: p.numerator < 1 << 31),
    st.sampled_from([1, (1 << 31) - 1]),
)


@given(PERIODS, st.integers(10 * DAY_PS - 10**9, 10 * DAY_PS + 10**9))
def test_clocks_are_exact_after_ten_days(period, now):
    """An SRAM access ends at the first edge after it, by arithmetic of any length."""
    clock = ClockDomain("c", period)
    sim = Simulator(now)
    sram = MemoryState([MemoryConfig(words=64, banks=1, ports=1, word_bits=128)], clients=1)
    fabric = Fabric(sim, "f", networks=[], memories=[], srams=[SramPart(sram.buffer, clock, 16, 1, 64)], endpoints=[])
    ends = []
    fabric.local(0, 0, 0, 1, is_write=False, done=lambda done: ends.append(done.end_ps))
    sim.run()
    assert ends == [clock.first_edge_after(now)]
