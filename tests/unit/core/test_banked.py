"""The core over banked SRAM against its cycle-stepped twin, with others' accesses at random times."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.core_banks import run_tile_with_banks
from twins.core_cases import draw_case, draw_wide, draw_wide_case, operands_of, whole_masks

from cosim.clib import KernelError, ffi, lib
from cosim.isa import available
from cosim.models.core import BankedTile, BankParams, CoreParams, SkipPolicy, Tile, run_tile
from cosim.models.core.banked import NEVER
from cosim.models.tensors import ConvShape, Stage

pytestmark = pytest.mark.c_library

BOTH = SkipPolicy(frozenset({"input", "weight"}))


def draw_banks(rng):
    return BankParams(
        input_banks=rng.randint(1, 5),
        other_banks=rng.randint(1, 8),
        input_ports=rng.randint(1, 2),
        other_ports=rng.randint(1, 3),
    )


def draw_wide_banks(rng):
    small = draw_banks(rng)
    return BankParams(
        input_banks=draw_wide(rng, small.input_banks, 65536),
        other_banks=draw_wide(rng, small.other_banks, 65536),
        input_ports=draw_wide(rng, small.input_ports, 2**20),
        other_ports=draw_wide(rng, small.other_ports, 2**20),
        max_pending=max(draw_wide(rng, small.max_pending, 2**20), 40),  # room for all of draw_reservations
    )


def draw_reservations(rng, banks):
    """Bursts of accesses of DMA and pruning unit, by cycle; where banks have many ports, now and then for all."""
    clock, out = 0, []
    for _ in range(rng.choice([0, 5, 40])):
        clock += rng.choice([0, 0, 1, 2, 10])
        memory = rng.randrange(2)
        bank, accesses = rng.randrange((banks.input_banks, banks.other_banks)[memory]), rng.randint(1, 4)
        ports = (banks.input_ports, banks.other_ports)[memory]
        if ports > 4 and rng.random() < 0.5:
            bank, accesses = bank % 4, ports * accesses + rng.randint(-1, 1)
        out.append((clock, memory, bank, accesses))
    return out


def run_in_pieces(rng, banked, reservations, stride=30):
    """Submit each access in time, advancing in random strides between."""
    for cycle, memory, bank, accesses in reservations:
        while banked.now < cycle and banked.done_at == NEVER and rng.random() < 0.8:
            banked.advance(rng.randint(banked.now, cycle))
        if banked.done_at != NEVER:
            break
        banked.submit(cycle, ("input", "other")[memory], bank, accesses)
    while banked.done_at == NEVER:
        assert banked.next() == banked.now + 1
        banked.advance(banked.now + rng.randint(1, stride) if rng.random() < 0.9 else NEVER)
    assert banked.next() == NEVER
    return banked.result()


def assert_equals_twin(seed):
    return assert_case_equals_twin(seed, *draw_case(seed))


def assert_equals_twin_up_to_the_limits(seed):
    return assert_case_equals_twin(seed, *draw_wide_case(seed), draw_banks=draw_wide_banks)


def assert_case_equals_twin(seed, params, policy, shape, stage, masks, tile, draw_banks=draw_banks):
    rng = random.Random(seed ^ 0x5EED)
    banks = draw_banks(rng)
    reservations = draw_reservations(rng, banks)
    banked = BankedTile(params, banks, policy, shape, stage, operands_of(masks), tile, level=rng.choice(available()))
    result = run_in_pieces(rng, banked, reservations, max(30, params.lane_latency))
    found = {
        "cycles": result.tile.cycles,
        "group_cycles": list(result.tile.group_cycles),
        "lane_cycles": list(result.tile.lane_busy_cycles),
        "lane_wait_cycles": list(result.lane_wait_cycles),
        "reads": result.reads,
        "served": result.served,
    }
    sizes, ports = (banks.input_banks, banks.other_banks), (banks.input_ports, banks.other_ports)
    case = (params, policy, shape, stage, masks, tile)
    assert found == run_tile_with_banks(*case, sizes, ports, reservations)
    return result


@given(st.integers(0, 2**64))
@settings(max_examples=150)
def test_equals_the_cycle_stepped_twin(seed):
    assert_equals_twin(seed)


@given(st.integers(0, 2**64))
def test_equals_the_twin_up_to_the_limits_of_a_chip_file(seed):
    assert_equals_twin_up_to_the_limits(seed)


@pytest.mark.parametrize("seed", [205, 336, 518, 163, 721])
def test_equals_the_twin_where_run_ahead_ends_with_a_jump(seed):
    """Rare cases: a lane waits for a block that others leave later, by a jump. Found with mistakes planted."""
    assert_equals_twin(seed)


def assert_equals_twin_with_reuse(group, reuse, density, seed):
    shape = ConvShape(n=1, c=24, h=3, w=2, k=2 * group + 1, r=2, s=2, pad=1)
    rng = np.random.default_rng(seed)
    masks = {name: rng.random(mask.shape) < density for name, mask in whole_masks(shape, True).items()}
    queue, run_ahead = int(rng.integers(2, 12)), int(rng.integers(1, 4))
    params = CoreParams(2 * group, group, window=16, queue=queue, run_ahead=run_ahead, pixel_reuse=reuse)
    return assert_case_equals_twin(seed, params, BOTH, shape, Stage.FF, masks, Tile.whole(shape, Stage.FF))


@pytest.mark.parametrize("group", [3, 8, 16])
@pytest.mark.parametrize("reuse", [2, 5, 100])
@pytest.mark.parametrize("density", [0.3, 0.7, 1.0])
def test_equals_the_twin_where_most_lanes_keep_their_block_of_the_other_operand(group, reuse, density):
    """Lanes that need only what they share, a full group of them or fewer, between others that do not."""
    for seed in range(2):
        assert_equals_twin_with_reuse(group, reuse, density, seed)


@pytest.mark.slow
@given(st.sampled_from([1, 2, 3, 8, 13, 16]), st.integers(2, 100), st.floats(0.1, 1), st.integers(0, 2**32 - 1))
def test_equals_the_twin_with_reuse_on_many_cases(group, reuse, density, seed):
    assert_equals_twin_with_reuse(group, reuse, density, seed)


@pytest.mark.slow
@given(st.integers(0, 2**64))
def test_equals_the_cycle_stepped_twin_on_many_cases(seed):
    assert_equals_twin(seed)
    assert_equals_twin_up_to_the_limits(seed)


def test_the_drawn_cases_have_conflicts():
    results = [assert_equals_twin(seed) for seed in range(60)]
    assert sum(sum(result.lane_wait_cycles) > 0 for result in results) >= 10
    assert sum(min(result.served) > 0 for result in results) >= 5


@given(st.integers(0, 2**64), st.sampled_from([draw_case, draw_wide_case]))
def test_without_contention_it_is_the_ideal_core_to_the_cycle(seed, draw):
    params, policy, shape, stage, masks, tile = draw(seed)
    operands = operands_of(masks)
    plenty = BankParams(input_banks=1, other_banks=1, input_ports=params.lanes, other_ports=params.lanes)
    banked = BankedTile(params, plenty, policy, shape, stage, operands, tile)
    banked.advance()
    ideal = run_tile(params, policy, shape, stage, operands, tile)
    result = banked.result()
    assert result.tile == ideal
    assert result.lane_wait_cycles == (0,) * params.lanes
    assert result.reads == (ideal.input_block_reads, ideal.other_block_reads)
    assert result.served == (0, 0)


@pytest.mark.parametrize("group", [1, 2**20])
def test_lanes_that_never_get_an_output_need_no_state(group):
    shape = ConvShape(n=1, c=64, h=3, w=3, k=4, r=1, s=1)
    tile, operands = Tile.whole(shape, Stage.FF), operands_of(whole_masks(shape, True))
    params = CoreParams(2**20, group, window=1, queue=4, run_ahead=2**20)
    banked = BankedTile(params, BankParams(1, 1), BOTH, shape, Stage.FF, operands, tile)
    assert banked._state.nbytes < 2**18
    banked.advance()
    waits, busy = banked.result().lane_wait_cycles, banked.result().tile.lane_busy_cycles
    assert len(waits) == len(busy) == 2**20
    at_work = 36 if group == 1 else 4
    assert min(busy[:at_work]) > 0 == max(busy[at_work:])
    assert sum(waits) > 0 == sum(waits[at_work:])


# ---- single rules, with numbers worked out by hand ---------------------------------------------------------------


def banked_run(lanes=1, group=1, blocks=1, reservations=(), **banks):
    """A 1x1 layer on one pixel: each lane has so many blocks of four indices, only the first effectual."""
    shape = ConvShape(n=1, c=4 * blocks, h=1, w=1, k=lanes, r=1, s=1)
    weights = np.zeros(shape.w_shape, dtype=bool)
    weights[..., ::4] = True
    params = CoreParams(lanes, group, window=4, queue=4, run_ahead=8)
    operands = operands_of({"x": np.ones(shape.x_shape, dtype=bool), "w": weights})
    banks = {"input_banks": 8, "other_banks": 8} | banks
    tile = Tile.whole(shape, Stage.FF)
    banked = BankedTile(params, BankParams(**banks), BOTH, shape, Stage.FF, operands, tile)
    for reservation in reservations:
        banked.submit(*reservation)
    banked.advance()
    return banked.result()


def test_lanes_of_one_group_share_the_input_but_not_the_weights():
    # Rows 0..3 of the other operand, block 0, lie in banks 0..3: no conflict. In one bank: one lane a cycle.
    assert banked_run(lanes=4, group=4).tile.lane_busy_cycles == (2, 2, 2, 2)
    result = banked_run(lanes=4, group=4, other_banks=1)
    assert result.tile.lane_busy_cycles == (2, 3, 4, 5)
    assert result.lane_wait_cycles == (0, 1, 2, 3)
    assert result.reads == (1, 4)
    assert banked_run(lanes=4, group=4, other_banks=1, other_ports=2).tile.lane_busy_cycles == (2, 2, 3, 3)


def test_groups_that_want_the_same_input_bank_take_turns():
    # Both groups of lanes belong to set 0: block 0 of it lies in bank 0.
    assert banked_run(lanes=2, group=1).tile.lane_busy_cycles == (2, 3)
    assert banked_run(lanes=2, group=1, input_ports=2).tile.lane_busy_cycles == (2, 2)


def test_the_longest_waiting_goes_first():
    # Cycle 0: group 0 reads block 0. Cycle 1: it wants block 1, group 1 has waited for block 0, all in one bank.
    result = banked_run(lanes=2, group=1, blocks=2, input_banks=1)
    assert result.tile.lane_busy_cycles == (4, 5)
    assert result.lane_wait_cycles == (1, 2)


def test_of_two_new_blocks_of_a_group_the_lower_goes_first():
    # Lane 0 jumps block 0 before the first cycle, so it asks for block 1 when lane 1 asks for block 0: one bank.
    shape = ConvShape(n=1, c=8, h=1, w=1, k=2, r=1, s=1)
    weights = np.array([[0, 0, 0, 0, 1, 0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0]], dtype=bool).reshape(shape.w_shape)
    params = CoreParams(2, 2, window=4, queue=4, run_ahead=2, coarse_jump=1, coarse_unit=(1, 4))
    operands = operands_of({"x": np.ones(shape.x_shape, dtype=bool), "w": weights})
    policy, tile = SkipPolicy(BOTH.operands, coarse=True), Tile.whole(shape, Stage.FF)
    banked = BankedTile(params, BankParams(1, 8, other_ports=2), policy, shape, Stage.FF, operands, tile)
    banked.advance()
    assert banked.result().lane_wait_cycles == (1, 0)
    assert banked.result().tile.lane_busy_cycles == (3, 3)


@pytest.mark.parametrize(("cycle", "accesses", "cycles"), [(0, 1, 4), (0, 2, 5), (1, 1, 3), (5, 9, 3)])
def test_others_go_first_from_the_cycle_after_their_submit(cycle, accesses, cycles):
    # One lane, two blocks, looked at in cycles 0 and 1; the one bank is taken from `cycle` + 1 on.
    result = banked_run(blocks=2, other_banks=1, reservations=[(cycle, "other", 0, accesses)])
    assert result.tile.cycles == cycles
    assert result.lane_wait_cycles == (cycles - 3,)


def test_another_bank_or_memory_disturbs_nobody():
    for memory, bank in (("other", 7), ("input", 7)):
        result = banked_run(blocks=2, reservations=[(0, memory, bank, 50)])
        assert result.tile.cycles == 3
        assert result.served[("input", "other").index(memory)] > 0


# ---- errors ------------------------------------------------------------------------------------------------------


def small(**banks):
    shape = ConvShape(n=1, c=4, h=1, w=1, k=2, r=1, s=1)
    params = CoreParams(2, 2, window=4, queue=4)
    banks = BankParams(**({"input_banks": 2, "other_banks": 3} | banks))
    return BankedTile(
        params, banks, BOTH, shape, Stage.FF, operands_of(whole_masks(shape, True)), Tile.whole(shape, Stage.FF)
    )


@pytest.mark.parametrize(
    ("memory", "arguments"),
    [
        ("input", (0, 2, 1)),
        ("other", (0, 3, 1)),
        ("other", (0, 0, 0)),
        ("other", (-1, 0, 1)),
        ("other", (0, 0, 2**32 + 1)),
        ("other", (NEVER, 0, 1)),
    ],
)
def test_accesses_that_make_no_sense_are_refused(memory, arguments):
    cycle, bank, accesses = arguments
    with pytest.raises(ValueError, match=rf"^cycle {cycle}, bank {bank}, accesses {accesses}: expected a bank below"):
        small().submit(cycle, memory, bank, accesses)


def test_the_most_accesses_and_the_latest_cycle():
    banked = small(other_banks=1)
    banked.submit(0, "other", 0, 2**32)
    banked.submit(0, "other", 0, 2**32)
    assert banked.advance(1000) == NEVER
    banked.submit(NEVER - 1, "other", 0)


def test_accesses_come_in_order_of_time():
    banked = small()
    banked.submit(4, "input", 0)
    with pytest.raises(ValueError, match="the last submit's"):
        banked.submit(3, "input", 0)
    with pytest.raises(ValueError, match=r"^memory: expected one of input, other, got 'output'$"):
        banked.submit(4, "output", 0)


def test_no_access_comes_before_the_last_processed_cycle():
    banked = small()
    assert banked.advance(2) == NEVER
    with pytest.raises(ValueError, match="a cycle of at least 2"):
        banked.submit(1, "input", 0)
    banked.submit(2, "input", 0)


def test_a_full_table_is_told_apart():
    banked = small(max_pending=1)
    banked.submit(0, "input", 0)
    with pytest.raises(KernelError, match="full"):
        banked.submit(0, "input", 0)


def test_no_result_before_the_end():
    banked = small()
    banked.advance(0)
    with pytest.raises(ValueError, match=r"^the tile is under way \(cycle 0\)"):
        banked.result()


@pytest.mark.parametrize("name", ["input_banks", "other_banks", "input_ports", "other_ports", "max_pending"])
def test_bank_params_are_at_least_one(name):
    with pytest.raises(ValueError, match=rf"^{name}: expected 1 to \d+, got 0$"):
        replace(BankParams(1, 1), **{name: 0})


def test_the_c_library_takes_as_many_banks_as_bank_params():
    params, banks, words = ffi.new("cs_core_params *"), ffi.new("cs_core_banks *"), ffi.new("size_t *")
    for name in ("lanes", "group", "window", "queue", "macs_per_lane", "run_ahead", "pixel_reuse"):
        setattr(params, name, 1)
    banks.ports, banks.max_pending = [1, 1], 1
    for number, status in ((1, lib.CS_OK), (65536, lib.CS_OK), (65537, lib.CS_EINVAL), (0, lib.CS_EINVAL)):
        for banks.banks in ([number, 1], [1, number]):
            assert lib.cs_core_banks_state_words(params, banks, 1, words) == status


def test_a_record_that_does_not_fit_the_core_is_refused():
    params, banks = ffi.new("cs_core_params *"), ffi.new("cs_core_banks *")
    for name in ("lanes", "group", "window", "queue", "macs_per_lane", "run_ahead", "pixel_reuse"):
        setattr(params, name, 1)
    banks.banks, banks.ports, banks.max_pending = [1, 1], [1, 1], 1
    words = ffi.new("size_t *")
    assert lib.cs_core_banks_state_words(params, banks, 1, words) == lib.CS_OK
    state = ffi.new("uint64_t[]", words[0])

    def init(*record):
        entries = ffi.new("uint32_t[]", record)
        return lib.cs_core_banks_init(state, words[0], params, banks, 1, entries, len(record))

    assert init(1, 1, 0, 0, 1) == lib.CS_OK
    assert init(1, 1, 0, 0) == lib.CS_EINVAL  # cut off
    assert init(2, 1, 0, 0, 0, 1, 1) == lib.CS_EINVAL  # more lanes than a group has
    assert init(1, 2, 0, 0, 1, 1) == lib.CS_EINVAL  # more blocks than announced
    assert init(1, 1, 0, 0, lib.CS_CORE_JUMPED) == lib.CS_EINVAL  # a jump without coarse_jump
    assert lib.cs_core_banks_next(ffi.new("uint64_t[]", words[0]), words[0], ffi.NULL) == lib.CS_ESTATE


def test_walks_beyond_31_bits_take_as_long_as_they_have_indices():
    """No tile has them; a record may. One lane finds nothing, the other as much as an entry holds."""
    params, banks = ffi.new("cs_core_params *"), ffi.new("cs_core_banks *")
    for name in ("window", "macs_per_lane", "pixel_reuse"):
        setattr(params, name, 1)
    params.lanes = params.group = params.queue = 2
    blocks, indices = 12, lib.CS_CORE_READS - 1
    params.run_ahead = blocks
    banks.banks, banks.ports, banks.max_pending = [1, 1], [1, 1], 1
    words, done_at = ffi.new("size_t *"), ffi.new("int64_t *")
    assert lib.cs_core_banks_state_words(params, banks, blocks, words) == lib.CS_OK
    state = ffi.new("uint64_t[]", words[0])
    record = ffi.new("uint32_t[]", [2, blocks, 0, 0, 1] + [0, indices] * blocks)
    assert lib.cs_core_banks_init(state, words[0], params, banks, blocks, record, len(record)) == lib.CS_OK
    assert lib.cs_core_banks_advance(state, words[0], record, len(record), NEVER, done_at) == lib.CS_OK
    assert done_at[0] == blocks * indices + 1
