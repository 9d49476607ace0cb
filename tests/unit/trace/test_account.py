"""busy + stalls + idle = elapsed, exactly, always."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.trace import Account

parts = st.dictionaries(st.sampled_from(["busy", "idle", "dram", "noc", "sram"]), st.integers(0, 10**9), max_size=5)


def test_parts_are_booked_by_reason():
    account = Account("core0", 100)
    account.charge(150, {"busy": 30, "dram": 20})
    account.charge(150, {})
    account.charge(175, {"idle": 10, "dram": 5, "noc": 10, "sram": 0})
    assert account.totals_ps() == {"busy": 30, "dram": 25, "noc": 10, "idle": 10}
    assert list(account.totals_ps()) == ["busy", "dram", "noc", "idle"]
    assert (account.elapsed_ps, account.busy_ps, account.idle_ps) == (75, 30, 10)
    assert account.stalls_ps == {"dram": 25, "noc": 10}


@pytest.mark.parametrize("charged", [{"busy": 9}, {"busy": 11}, {"busy": 11, "idle": -1}, {}])
def test_parts_that_do_not_sum_are_refused_and_not_booked(charged):
    account = Account("core0", 0)
    with pytest.raises(
        ValueError, match=r"^account core0: parts .* must be at least 0 and sum to the 10 ps from 0 to 10"
    ):
        account.charge(10, charged)
    assert account.elapsed_ps == 0
    assert account.totals_ps() == {"busy": 0, "idle": 0}


@given(st.lists(parts))
def test_the_sum_is_the_time_elapsed(charges):
    account = Account("u", 5)
    for charged in charges:
        account.charge(account.until_ps + sum(charged.values()), charged)
        assert sum(account.totals_ps().values()) == account.elapsed_ps
        assert account.busy_ps + sum(account.stalls_ps.values()) + account.idle_ps == account.until_ps - 5
