import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.models.core import (
    Operands,
    RandomChannelAllocator,
    StaticOrder,
    WeightSparsityBalancer,
    channel_nonzeros,
)
from cosim.models.tensors import BitTensor, Stage

ALLOCATORS = [StaticOrder(), WeightSparsityBalancer(), RandomChannelAllocator(7)]


@pytest.mark.parametrize("allocator", ALLOCATORS, ids=repr)
@given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 6), st.integers(1, 5))
def test_every_channel_is_allocated_once_and_the_same_way_again(allocator, nonzeros, cores, group):
    shares = allocator.allocate(np.array(nonzeros, dtype=np.int64), cores, group)
    assert len(shares) == cores
    assert sorted(channel for share in shares for channel in share) == list(range(len(nonzeros)))
    assert allocator.allocate(np.array(nonzeros, dtype=np.int64), cores, group) == shares


def test_static_order():
    assert StaticOrder().allocate(np.zeros(5, dtype=np.int64), 2, 2) == ((0, 1, 2), (3, 4))


def test_random_channels_depend_on_the_seed_alone():
    work = np.arange(8)
    assert RandomChannelAllocator(1).allocate(work, 2, 2) == RandomChannelAllocator(1).allocate(work[::-1], 2, 4)
    assert RandomChannelAllocator(1).allocate(work, 2, 2) != RandomChannelAllocator(2).allocate(work, 2, 2)


def test_the_balancer_puts_equals_together_and_deals_there_and_back():
    nonzeros = np.array([1, 8, 2, 7, 3, 6, 4, 5])
    assert WeightSparsityBalancer().allocate(nonzeros, 2, 2) == ((1, 3, 2, 0), (5, 7, 6, 4))


def test_the_balancer_breaks_ties_by_index():
    assert WeightSparsityBalancer().allocate(np.array([3, 3, 3, 3]), 1, 2) == ((0, 1, 2, 3),)


@pytest.mark.parametrize("allocator", ALLOCATORS, ids=repr)
def test_at_least_one_core_and_lane(allocator):
    with pytest.raises(ValueError, match="at least one core and one lane"):
        allocator.allocate(np.array([1]), 0, 1)


def test_the_work_of_a_channel():
    w = np.zeros((3, 1, 1, 2), dtype=bool)
    w[2, 0, 0, 1] = w[1, 0, 0, 1] = w[1, 0, 0, 0] = True
    dy = np.zeros((1, 2, 1, 3), dtype=bool)
    dy[:, :, :, 2] = True
    operands = Operands(w=BitTensor.from_bool(w), dy=BitTensor.from_bool(dy))
    assert channel_nonzeros(Stage.FF, operands).tolist() == [0, 2, 1]
    assert channel_nonzeros(Stage.BP, operands).tolist() == [1, 2]
    assert channel_nonzeros(Stage.WG, operands).tolist() == [0, 0, 2]
    with pytest.raises(ValueError, match="stage ff needs the operand w"):
        channel_nonzeros(Stage.FF, Operands())
