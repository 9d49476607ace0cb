"""What pruning computes and reads in the overview: by what is left, on both bases, and what follows by assumption."""

import pytest

from cosim.models.reproduce.causes import pruning_cause
from cosim.models.reproduce.pruning import REMOVED, SAVED
from cosim.models.reproduce.report_pruning import pruning_rows
from cosim.models.reproduce.variants import by_influence

PUBLISHED = [{"value": value, "unit": "%", "from_memory": False} for value in (99.7, 100)]


def operations(left, events=4):
    one = {"done": left, "all_pairs": 100.0, "fewer_percent": 100.0 - left, "left_percent": left}
    return {"training": {"events": events}, "operations": dict.fromkeys(("coarse", "fine", "total"), one)}


def found(left=3.0, own=30.0, removed=100.0, beyond=60.0):
    numbers = [by_influence([("a", 1, 96.5), ("a", 2, 97.5)], SAVED, "%", 97.0)] if left == 3.0 else []
    if removed is not None:
        numbers.append(by_influence([("a", 1, removed)], REMOVED, "%", removed))
    return {
        **operations(left, events=6),
        "full": {**operations(own), "shared": {"coverage_percent": beyond}},
        "accesses_removed_percent": removed,
        "shared": {"coverage_percent": 100.0},
        "simulated": {"events": 6, "events_simulated": 6},
        "sensitivities": numbers,
    }


def test_a_saving_is_judged_by_what_is_left():
    same, own, _ = pruning_rows("p", PUBLISHED, found())
    assert (same.simulated, same.least, same.greatest) == (97.0, 96.5, 97.5)
    assert same.ratio == pytest.approx(10)  # 3 % are left, not 0.3 %
    assert same.verdict.kind == "miss"
    assert same.verdict.text.startswith("miss: 3 % are left instead of 0.3 %; fewer: coarse 97.00 %")
    assert own.ratio == pytest.approx(100)
    assert (own.simulated, own.least, own.greatest) == (70.0, None, None)
    more, *_ = pruning_rows("p", PUBLISHED, found(left=250.0))
    assert "coarse 2.5 x as many" in more.verdict.text
    reached, *_ = pruning_rows("p", PUBLISHED, {**found(left=0.2), "sensitivities": []})
    assert (reached.verdict.kind, reached.ratio) == ("reached", pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("removed", "kind", "text"),
    [
        (100.0, "follows", "follows from the assumption that two passes deliver all weights"),
        (90.0, "miss", "miss by 10.0 points"),
        (None, "none", "no access in either"),
    ],
)
def test_accesses_that_are_removed(removed, kind, text):
    row = pruning_rows("p", PUBLISHED, found(removed=removed))[2]
    assert (row.simulated, row.verdict.kind, row.ratio) == (removed, kind, None)
    assert row.verdict.text.startswith(text)
    if removed == 100.0:
        assert row.verdict.text.endswith("the smallest buffer on record, 60.0 % are seen, the others fetched from DRAM")


def test_both_bases_have_their_causes():
    same, own = (pruning_cause({"found": found()}, at) for at in (0, 1))
    assert "100 % of what is left" in same
    assert "takes 4 layer events, here there are 6: coarse operations fall by 70 %" in own
