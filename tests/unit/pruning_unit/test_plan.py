"""Small events, planned by hand; and what they cost on a chip, with a unit that is shared and one that is not."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.chips import PLAIN, iterations, run, system

from cosim.models.chip import MappedIteration, System
from cosim.models.fabric import Direction
from cosim.models.pruning import CoarseUnit, PruneEvent
from cosim.models.pruning_unit import PruningPlan, plan_event
from cosim.models.tasks import Kind, Task
from cosim.models.workload import Iteration


def event(sampled: int, *, fine: int = 0, coarse: int = 0) -> PruneEvent:
    return PruneEvent(
        "layer",
        0,
        np.ones((8, 1, 1, 10), dtype=bool),
        CoarseUnit(1, 1),
        tuple(range(sampled)),
        coarse_macs=100,
        coarse_adds=7,
        coarse_compares=20,
        fine_compares=3,
        coarse_weights_read=coarse,
        fine_weights_read=fine,
    )


def plan(what: PruneEvent, buffer_bytes: int, *, shared: bool, free_passes: int = 2) -> PruningPlan:
    return plan_event(
        what, weights_per_channel=10, channels=8, buffer_bytes=buffer_bytes, shared=shared, free_passes=free_passes
    )


def test_all_channels_fit() -> None:
    made = plan(event(4), 40, shared=True)
    assert (made.passes, made.pairs, made.pairs_seen) == (1, 6, 6)
    assert (made.passing_weights, made.fetched_weights, made.first_pass) == (40, 0, 0)
    assert made.coverage == 1.0


def test_one_byte_less_takes_another_pass() -> None:
    # 3 of 4 channels are kept: their 3 pairs and those with the fourth; the second pass has nothing left to compare.
    made = plan(event(4), 39, shared=True)
    assert (made.passes, made.pairs, made.pairs_seen) == (2, 6, 6)
    assert (made.passing_weights, made.fetched_weights) == (40 + 10, 0)


def test_a_third_pass_is_fetched() -> None:
    # One channel kept at a time, of 4: passes of 4, 3, 2 and 1 channels, of which two go by.
    made = plan(event(4), 10, shared=True)
    assert (made.passes, made.pairs, made.pairs_seen) == (4, 6, 3 + 2)
    assert (made.passing_weights, made.fetched_weights) == (40 + 30, 20 + 10)
    assert made.coverage == 70 / 100


def test_groups_have_the_buffer_in_turn() -> None:
    # 8 channels in groups of 2: of the first 5, two pairs and one alone; two channels fit, so one pass is enough.
    made = plan(replace(event(5), groups=4), 20, shared=True)
    assert (made.passes, made.pairs, made.pairs_seen) == (1, 2, 2)
    assert (made.passing_weights, made.fetched_weights) == (50, 0)
    # One fits: a second pass for the second channel of each pair.
    made = plan(replace(event(5), groups=4), 10, shared=True)
    assert (made.passes, made.pairs, made.pairs_seen, made.passing_weights) == (2, 2, 2, 50 + 20)


def test_a_unit_of_its_own_reads_everything() -> None:
    made = plan(event(4), 10, shared=False)
    assert (made.pairs_seen, made.passing_weights, made.fetched_weights) == (0, 0, 100)
    assert made.first_pass == 40
    assert made.coverage == 0.0


def test_a_layer_without_back_propagation_goes_by_once() -> None:
    made = plan(event(4), 10, shared=True, free_passes=1)
    assert (made.pairs_seen, made.passing_weights, made.fetched_weights) == (3, 40, 60)


def test_magnitudes_need_one_look() -> None:
    assert plan(event(0, fine=80), 10, shared=True).passing_weights == 80
    alone = plan(event(0, fine=50, coarse=80), 10, shared=False)
    assert (alone.fetched_weights, alone.first_pass, alone.passes) == (80, 80, 0)


def test_work() -> None:
    made = plan(event(4), 40, shared=True)
    assert (made.macs, made.compares) == (107, 23)
    assert made.cycles(64) == 2 + 1
    assert made.cycles(1) == 130


def test_a_channel_must_fit() -> None:
    with pytest.raises(ValueError, match="layer 'layer': the pruning unit's memory of 9 bytes holds no channel of 10"):
        plan(event(4), 9, shared=True)
    assert plan(event(0), 9, shared=True).passes == 0


# ---- on a chip ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pruning_iteration() -> Iteration:
    (iteration,) = iterations(PLAIN, [2])
    assert iteration.prune_events
    return iteration


@pytest.fixture(scope="module")
def both(pruning_iteration: Iteration) -> dict[bool, tuple[System, MappedIteration]]:
    found = {}
    for shared in (True, False):
        chip = system("pnpu", [f"pruning_unit.shared={str(shared).lower()}"])
        found[shared] = (chip, run(chip, pruning_iteration))
    return found


def prune_reads(mapped: MappedIteration) -> list[Task]:
    return [task for task in mapped.graph if task.unit.endswith(".prune")]


def test_only_a_unit_of_its_own_reads_the_weight_memories(
    both: dict[bool, tuple[System, MappedIteration]], pruning_iteration: Iteration
) -> None:
    assert not prune_reads(both[True][1])
    chip, mapped = both[False]
    reads = prune_reads(mapped)
    assert {task.kind for task in reads} == {Kind.MOVE}
    layout = chip.chip.layout
    expected = 0
    for task in reads:
        (descriptor,) = task.work.descriptors
        assert descriptor.direction is Direction.MOVE
        assert layout.memory_kind(descriptor.memory) == "weight"
        assert descriptor.far_memory == layout.pruning_memory
        expected += descriptor.bytes
    # All weights of the layers with events, once: bitmap and non-zero values, each tile of whole bytes.
    layers = {event.layer for event in pruning_iteration.prune_events}
    stored = [
        operation.w
        for operation in pruning_iteration.operations
        if operation.layer in layers and operation.stage == "ff" and operation.w is not None
    ]
    exact = sum(mask.size + 8 * mask.count() for mask in stored)
    assert exact <= 8 * expected < exact + 8 * len(reads)


def test_extra_accesses_coverage_and_delay(
    both: dict[bool, tuple[System, MappedIteration]], pruning_iteration: Iteration
) -> None:
    counts = {shared: chip.results[-1].action_counts for shared, (chip, _) in both.items()}
    assert counts[False]["sram.weight.read"] > counts[True]["sram.weight.read"]
    for action in ("core.mac", "pruning.mac", "pruning.compare", "vector.op", "sram.weight.write"):
        assert counts[False][action] == counts[True][action]
    shared, separate = (both[which][1].pruning for which in (True, False))
    assert {id(record.event) for record in shared} == {id(event) for event in pruning_iteration.prune_events}
    for one, other in zip(shared, separate, strict=True):
        assert one.event is other.event
        assert one.plan.coverage == 1.0
        assert other.plan.coverage == 0.0
        assert other.plan.fetched_weights == one.plan.passing_weights
        for record in (one, other):
            assert record.task.start_ps >= max(task.end_ps for task in record.ready)


def test_its_reads_meet_the_lanes_at_the_ports(pruning_iteration: Iteration) -> None:
    """With one bank of one port the reads of a unit of its own hold up the cores; the shared unit holds up nobody."""
    tight = ["core.weight_memory.banks=1", "core.weight_memory.ports=1", "clock=800 MHz", "noc.clock=800 MHz"]

    def core_stalls(shared: bool) -> int:
        chip = system("pnpu", [*tight, f"pruning_unit.shared={str(shared).lower()}"])
        run(chip, pruning_iteration)
        return sum(totals.get("sram", 0) for unit, totals in chip.accounts().items() if "." not in unit)

    assert core_stalls(False) > core_stalls(True)


def test_the_update_waits_for_the_new_mask(both: dict[bool, tuple[System, MappedIteration]]) -> None:
    for _, mapped in both.values():
        for record in mapped.pruning:
            after = [task for task in mapped.graph if record.task in task.deps]
            assert after and {task.kind for task in after} == {Kind.UPDATE}
            assert all(task.start_ps >= record.task.end_ps for task in after)
