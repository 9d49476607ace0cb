"""The same work on two chips in the overview."""

import pytest

from cosim.models.reproduce.causes import same_workload_cause
from cosim.models.reproduce.report_same_workload import same_rows

PUBLISHED = [{"value": 4.0, "unit": "times", "from_memory": False, "what": "a over b"}]


@pytest.mark.parametrize(("greatest", "kind"), [(3.9, "miss"), (4.0, "inside")])
def test_a_ratio_is_held_against_its_reach(greatest, kind):
    row = {"name": "n", "ratio": 2.0, "reach_least": 1.0, "reach_greatest": greatest}
    (compared,) = same_rows("c", PUBLISHED, {"rows": [row]})
    assert (compared.claim, compared.simulated, compared.least, compared.greatest) == ("c: n", 2.0, 1.0, greatest)
    assert (compared.ratio, compared.verdict.kind) == (0.5, kind)


def test_the_cause_says_whose_quotient_is_published():
    result = {"published": PUBLISHED}
    assert "the quotient of two published headlines, a over b" in same_workload_cause(result, 0)
    assert same_workload_cause(result, 1) == "As for the first workload."
