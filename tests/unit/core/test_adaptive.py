import pytest

from cosim.models.core import AdaptiveChooser, CoreParams, SkipPolicy, StagePolicies, ZeroCounts
from cosim.models.tensors import Stage

IW = SkipPolicy(frozenset({"input", "weight"}))
OW = SkipPolicy(frozenset({"output", "weight"}))
PARAMS = CoreParams(lanes=4, group=4, window=8, queue=4)


def chooser(switch_cycles=0):
    policies = StagePolicies({Stage.FF: IW, Stage.BP: (IW, OW), Stage.WG: IW})
    return AdaptiveChooser(policies, PARAMS, switch_cycles)


def counts(**nonzeros):
    return {operand: ZeroCounts(number, 100) for operand, number in nonzeros.items()}


def test_the_first_candidate_is_taken_while_nothing_is_known():
    chosen = chooser()
    assert chosen.choose("conv1", Stage.BP, 8000, counts(output=10, weight=50)) == IW
    assert chosen.choices[0].estimates == ()
    assert chosen.choose("conv1", Stage.FF, 8000, {}) == IW


def test_the_cheapest_by_known_masks_and_last_counters():
    chosen = chooser()
    chosen.observe("conv1", Stage.BP, counts(input=90))
    assert chosen.choose("conv1", Stage.BP, 8000, counts(output=40, weight=50)) == OW
    assert chosen.choices[-1].estimates == (8000 * 9 // 10 // 2 // 4, 8000 * 4 // 10 // 2 // 4)
    assert chosen.choose("conv2", Stage.BP, 8000, counts(output=40, weight=50)) == IW  # its counters are unknown


def test_no_fewer_cycles_than_blocks_to_scan():
    chosen = chooser()
    chosen.observe("conv1", Stage.BP, counts(input=0))
    chosen.choose("conv1", Stage.BP, 8000, counts(output=10, weight=50))
    assert chosen.choices[-1].estimates == (8000 // 8 // 4, 100)


@pytest.mark.parametrize(("switch_cycles", "policy"), [(299, OW), (300, IW), (301, IW)])
def test_a_switch_must_earn_its_cost(switch_cycles, policy):
    chosen = chooser(switch_cycles)
    chosen.choose("conv1", Stage.BP, 8000, {})
    chosen.observe("conv1", Stage.BP, counts(input=60))
    # IW: 8000 * 0.6 * 0.5 / 4 = 600; OW: 8000 * 0.3 * 0.5 / 4 = 300.
    assert chosen.choose("conv1", Stage.BP, 8000, counts(output=30, weight=50)) == policy
    assert chosen.choices[-1].switched is (policy == OW)
    assert chosen.choices[-1].switch_cycles == (switch_cycles if policy == OW else 0)


def test_the_regret_is_against_the_best_in_hindsight():
    chosen = chooser(switch_cycles=5)
    chosen.choose("conv1", Stage.BP, 8000, {})
    settled = chosen.settle("conv1", Stage.BP, {IW: 700, OW: 640})
    assert (settled.cycles, settled.best, settled.regret_cycles) == (700, OW, 60)
    chosen.observe("conv1", Stage.BP, counts(input=60))
    chosen.choose("conv1", Stage.BP, 8000, counts(output=10, weight=50))
    settled = chosen.settle("conv1", Stage.BP, {IW: 700, OW: 640})
    assert (settled.cycles, settled.best, settled.regret_cycles) == (645, OW, 5)
    assert chosen.regret_cycles() == 65


def test_what_cannot_be_settled_is_refused():
    chosen = chooser()
    with pytest.raises(ValueError, match="no choice has been made for layer 'conv1', stage bp"):
        chosen.settle("conv1", Stage.BP, {IW: 1})
    chosen.choose("conv1", Stage.BP, 8000, {})
    with pytest.raises(ValueError, match=r"no cycles for weight\+output \(fine\)"):
        chosen.settle("conv1", Stage.BP, {IW: 1})
    with pytest.raises(ValueError, match="switch_cycles"):
        chooser(-1)
    with pytest.raises(ValueError, match="0 <= nonzeros <= size"):
        ZeroCounts(3, 2)
