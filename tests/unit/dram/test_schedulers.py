"""How often a channel may be refreshed: less is refused with words, at the least every request is served."""

from dataclasses import replace

import numpy as np
import pytest

from cosim.models.dram import PRESETS, SCHEDULERS, BankRoundRobin, Controller, FrFcfs, preset

pytestmark = pytest.mark.c_library


def channels():
    for device in PRESETS.values():
        for ranks in (1, 2):
            for refresh in ("all-bank", "per-bank") if device.refreshes_banks else ("all-bank",):
                for scheduler in SCHEDULERS.values():
                    if not scheduler.ideal:
                        name = f"{device.name}-{ranks}-{refresh}-{scheduler.name}"
                        yield pytest.param(device.with_ranks(ranks), replace(scheduler, refresh=refresh), id=name)


def crowd(device, seed, count=300):
    """Bursts over all banks and three rows, with pauses; addresses, write flags, and clocks of arrival."""
    random, geometry = np.random.default_rng(seed), device.geometry
    limits = {"row": 3, "bank": geometry.banks_per_group, "group": geometry.groups, "rank": geometry.ranks, "column": 8}
    encode = device.mapping("m1").encode
    addresses = [encode({name: int(random.integers(limit)) for name, limit in limits.items()}) for _ in range(count)]
    gaps = random.choice([0] * 12 + [25, 35, 60, 150], count)
    return np.array(addresses, np.uint64), (random.random(count) < 0.4).astype(np.uint8), np.cumsum(gaps)


@pytest.mark.parametrize("page", ["open", "closed"])
@pytest.mark.parametrize(("device", "scheduler"), list(channels()))
def test_every_request_is_served_at_the_least_interval(device, scheduler, page):
    """A refresh that always came before the column command would make this endless."""
    scheduler = replace(scheduler, page=page)
    least = scheduler.least_refresh_interval(device)
    for seed in range(3):
        controller = Controller(device.with_timing(tREFI=least), "m1", scheduler)
        addresses, is_write, earliest = crowd(device, seed)
        replay = controller.replay(addresses, is_write, earliest=earliest)
        assert replay.latencies.min() >= 1
        assert replay.stats.commands["REF"] + replay.stats.commands["REFPB"] > 0
        columns = sum(replay.stats.columns) + replay.stats.forwarded_reads
        left = scheduler.drain_over if scheduler.name == "bank-round-robin" else 0
        assert len(addresses) - left <= columns <= len(addresses)


@pytest.mark.parametrize("scheduler", [name for name, policy in SCHEDULERS.items() if not policy.ideal])
@pytest.mark.parametrize(("gap", "starves"), [(6, True), (8, True), (10, False), (20, False)])
def test_no_policy_has_a_cap_on_row_hits(scheduler, gap, starves):
    """A precharge waits for tRTP 9 after each read: younger hits that come sooner keep the other row waiting until the
    refresh closes the bank. The row hits of bank-round-robin are no cap either, as in DRAMsim3."""
    device = preset("ddr4_2400")
    encode = device.mapping("m1").encode
    controller = Controller(device, "m1", scheduler)
    controller.submit(0, 0, encode({}), False)
    controller.advance(1)
    controller.submit(1, 1, encode({"row": 1}), False)
    done = {}
    for clk in range(2, 12_000):
        done.update(controller.advance(clk).done)
        if clk % gap == 0:
            controller.submit(clk, clk, encode({"column": clk // gap % 128}), False)
    assert (done[1] > device.timing["tREFI"]) == starves


@pytest.mark.parametrize(("device", "scheduler"), list(channels()))
def test_more_often_is_refused(device, scheduler):
    least = scheduler.least_refresh_interval(device)
    told = (
        rf"{device.name}: tREFI {least - 1} leaves {scheduler.name} no time for requests between {scheduler.refresh} "
        rf"refreshes; expected at least {least} clocks, or 0 for no refresh"
    )
    with pytest.raises(ValueError, match=told):
        Controller(device.with_timing(tREFI=least - 1), "m1", scheduler)
    Controller(device.with_timing(tREFI=0), "m1", scheduler)


def test_what_the_least_interval_is_made_of():
    device = preset("ddr3_1600")
    assert FrFcfs().least_refresh_interval(device) == 208 + 1
    assert FrFcfs().least_refresh_interval(device.with_ranks(2)) == 2 * (208 + 1)
    # A row opened right before (tRAS 28 counts, not WL + BL + tWR 24), eight PREs, tRP; tRCD, two slots for each bank.
    assert BankRoundRobin().least_refresh_interval(device) == 208 + 28 + 8 + 11 + 11 + 2 * 8
    assert FrFcfs(refresh="per-bank").least_refresh_interval(preset("lpddr4_3200")) == 8 * (144 + 1)
