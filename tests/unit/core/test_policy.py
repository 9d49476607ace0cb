import pytest

from cosim.models.core import DENSE, SkipPolicy, StagePolicies
from cosim.models.tensors import Stage

BOTH = SkipPolicy(frozenset({"input", "weight"}))
OUT = SkipPolicy(frozenset({"input", "output"}))


def test_an_unknown_operand_is_refused():
    with pytest.raises(ValueError, match=r"^unknown operand 'bias': expected some of input, weight, output$"):
        SkipPolicy(frozenset({"bias"}))


def test_coarse_skipping_needs_the_weights():
    with pytest.raises(ValueError, match="'weight' must be among the operands"):
        SkipPolicy(frozenset({"input"}), coarse=True)


def test_any_set_of_names_will_do_and_policies_compare():
    assert SkipPolicy({"weight", "input"}) == BOTH
    assert str(SkipPolicy({"weight", "input"}, coarse=True)) == "input+weight (fine, coarse)"
    assert str(DENSE) == "nothing (no zeros)"


def test_each_stage_has_its_candidates():
    policies = StagePolicies({Stage.FF: BOTH, Stage.BP: (BOTH, OUT), Stage.WG: [OUT]})
    assert policies[Stage.FF] == (BOTH,)
    assert policies[Stage.BP] == (BOTH, OUT)
    assert StagePolicies.fixed(BOTH, OUT, OUT)[Stage.WG] == (OUT,)


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        ({Stage.FF: BOTH, Stage.BP: BOTH}, "stage wg: at least one policy"),
        ({Stage.FF: OUT, Stage.BP: BOTH, Stage.WG: BOTH}, "feed-forward stage cannot skip 'output'"),
        ({Stage.FF: (BOTH, BOTH), Stage.BP: BOTH, Stage.WG: BOTH}, "stage ff: the same policy is named twice"),
    ],
)
def test_what_a_stage_cannot_do_is_refused(candidates, message):
    with pytest.raises(ValueError, match=message):
        StagePolicies(candidates)
