"""From claim files to results: what a small claim gives, and that every shipped claim is one."""

import re

import pytest
from helpers.chips import SCENARIOS
from helpers.claims import write

from cosim.models.chip.energy import table_fj
from cosim.models.reproduce.claims import load_claims, made_of, reproduce, study_of
from cosim.models.reproduce.effects import POINTS, PRUNING_UNIT, SCHEDULE
from cosim.models.reproduce.elements import Spent, energy_of
from cosim.models.reproduce.figures import where
from cosim.models.reproduce.layer_points import DENSE
from cosim.models.reproduce.parameters import with_parameter
from cosim.models.reproduce.report import claim_sections, overview, overview_rows
from cosim.models.reproduce.report_gain import gain_verdict
from cosim.models.reproduce.verdict import Verdict
from cosim.scenario import ScenarioError


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    claims = load_claims(write(tmp_path_factory.mktemp("claims")))
    return claims, reproduce(claims)


def test_the_dense_point_is_what_is_calibrated_on(small):
    found = small[1]["claims"]["small"]["found"]
    dense = found["surface"][0]
    assert (dense["input"], dense["weight"], dense["gain"], dense["gain_least"], dense["gain_greatest"]) == (
        1,
        1,
        1,
        1,
        1,
    )
    assert dense["tops_per_watt"] == 3.14
    assert dense["uncalibrated_tops_per_watt"] == found["calibration"]["uncalibrated"]
    # What the chip says itself, of energies that were rounded action by action.
    claim = small[0]["small"]
    summary = study_of(claim)._point(DENSE).simulate()["chips"][0]
    spent = Spent.of(claim.study.chip, summary)
    assert spent.tops_per_watt == found["calibration"]["uncalibrated"]
    assert spent.tops_per_watt == pytest.approx(summary["effective_tops_per_watt"], rel=1e-3)
    # The factor on its energies makes the published figure of it, and a gain without DRAM does not know it.
    factor = found["calibration"]["energy_factor"]
    assert 2 * spent.macs * 1000 / (float(energy_of(spent.spec, spent.form)) * factor) == pytest.approx(3.14)
    sparse = study_of(claim)._point(claim.study.sparse_point).simulate()["chips"][0]["energy_fj"]
    total = summary["energy_fj"]["chip"] * factor + summary["energy_fj"]["dram"]
    assert found["sparse_point"]["gain_with_dram"] == total / (sparse["chip"] * factor + sparse["dram"])


def test_the_surface_has_every_combination_once_and_its_bound(small):
    rows = small[1]["claims"]["small"]["found"]["surface"]
    assert [(row["weight"], row["coarse"], row["input"], row["inverse_density"]) for row in rows] == [
        (1.0, 0.0, 1.0, 1.0),
        (1.0, 0.0, 0.5, 2.0),
        (0.25, 0.5, 1.0, 4.0),
        (0.25, 0.5, 0.5, 8.0),
    ]
    for row in rows:  # nominal and extreme gains are of the same energies, before any rounding
        assert row["gain_least"] <= row["gain"] <= row["gain_greatest"]


def test_the_split_is_the_energy_of_the_point(small):
    claims, results = small
    study = study_of(claims["small"])
    point = next(iter(study.points()))
    chip = point.simulate()["chips"][0]
    found = results["claims"]["small"]["found"]
    assert sum(found["dense_fj_per_mac"].values()) == pytest.approx(chip["energy_fj"]["chip"] / chip["macs"]["dense"])
    table = table_fj(claims["small"].study.chip)
    assert (
        found["dense_fj_per_mac"]["NoC"]
        == chip["counts"]["noc.flit_hop"] * table["noc.flit_hop"] / chip["macs"]["dense"]
    )


def test_sensitivity_has_every_parameter_and_says_what_does_not_fit(small):
    found = small[1]["claims"]["small"]["found"]
    gain, fast = found["sensitivities"]
    assert gain["nominal"] == found["sparse_point"]["gain"]
    at_fast = {(row["parameter"], row["value"]): row["number"] for row in fast["rows"]}
    assert {row["parameter"] for row in fast["rows"]} == {
        *(row["parameter"] for row in gain["rows"]),
        "operating_points.fast.voltage",
    }
    assert fast["nominal"] == pytest.approx(found["others"][0]["tops_per_watt"], rel=1e-12)
    assert at_fast["operating_points.fast.voltage", "1.2 V"] < fast["nominal"]
    assert at_fast["core.window", "8"] != fast["nominal"] != at_fast["core.window", "32"]
    assert at_fast["core.macs_per_lane", "0"] is None
    assert at_fast["energy of mac.fp8", "low"] < fast["nominal"] < at_fast["energy of mac.fp8", "high"]
    rows = {(row["parameter"], row["value"]): row["number"] for row in gain["rows"]}
    assert ("pruning_unit.lanes", "16") not in rows  # by a rule
    assert [rule["assumptions"] for rule in gain["without_effect"]] == [SCHEDULE, PRUNING_UNIT, POINTS]
    assert [rule["assumptions"] for rule in fast["without_effect"]] == [SCHEDULE, PRUNING_UNIT]
    assert rows["core.window", "8"] != found["sparse_point"]["gain"] != rows["core.window", "32"]
    assert rows["core.macs_per_lane", "0"] is None
    assert rows["energy of mac.fp8", "low"] < found["sparse_point"]["gain"] < rows["energy of mac.fp8", "high"]
    # Elements that nothing counted are there as well, and change nothing at either end.
    assert rows["energy of compare", "low"] == rows["energy of compare", "high"] == gain["nominal"]
    assert ("energy of mac.fp16", "low") not in rows
    gains = [gain for gain in rows.values() if gain is not None]
    assert found["sparse_point"]["gain_least"] <= min(gains)
    assert max(gains) <= found["sparse_point"]["gain_greatest"]


def test_what_is_free_of_charge_raises_the_gain_up_to_that_of_the_multiplications(small):
    found = small[1]["claims"]["small"]["found"]
    assert found["without"][-1]["gain"] == pytest.approx(found["sparse_point"]["macs_ratio"])
    assert len({row["part"] for row in found["without"]}) == len(found["without"])


def test_the_operating_point_is_simulated_at_its_supply(small):
    (row,) = small[1]["claims"]["small"]["found"]["others"]
    assert (row["operating_point"], row["voltage_mv"]) == ("fast", 1100)
    # 65 nm from 0.78 V to 1.1 V: about twice the energy; leakage has less time.
    assert 3.14 / 2.2 < row["dense_tops_per_watt"] < 3.14 / 1.8


def test_a_value_is_on_the_surface_or_inside_or_a_miss(small):
    found = small[1]["claims"]["small"]["found"]
    best = max(row["tops_per_watt"] for row in found["surface"])
    ends = [found["sparse_point"], found["sparsest"], *found["surface"]]
    beyond = 3.14 * max(row["gain_greatest"] for row in ends)
    assert gain_verdict(best, found) == Verdict("reached", f"reached on the surface, at {where(found['surface'][-1])}")
    assert gain_verdict(best * 1.0001, found).kind == "inside"
    assert gain_verdict(beyond, found).kind == "inside"
    assert gain_verdict(beyond * 1.0001, found).kind == "miss"
    # Several parameters together are told, and make no interval.
    joint = {"parameters": {"a": "1", "b": "2"}, "gain_greatest": 2 * beyond / 3.14}
    together = gain_verdict(beyond * 1.1, {**found, "joint": [joint]})
    assert together.kind == "miss"
    assert "published is 1.1 x the greatest end" in together.text
    assert f"2 parameters of the chip, searched together, and all energies reach {2 * beyond:.3g}" in together.text
    assert "free of charge" in gain_verdict(1e6, found).text
    assert [row.verdict.kind for row in overview_rows(small[1]["claims"]["small"])] == ["miss", "reached"]
    assert overview(small[1]).blocks[0].rows[0][-1].startswith("miss: published is")
    assert claim_sections(small[1]["claims"]["small"])


def test_a_claim_runs_once_more_to_the_same_results(small, tmp_path):
    claims, results = small
    assert reproduce(claims, tmp_path) == results


@pytest.mark.parametrize("name", ["pnpu_energy_gain", "tsunami_energy_gain", "lnpu_energy_gain"])
def test_the_shipped_gains_look_at_ninety_percent_and_at_dense(name):
    study = load_claims(SCENARIOS / "reproduce")[name].study
    assert 1.0 in study.inputs
    assert 0.1 in study.inputs
    assert study.sparse_point.input == 0.1
    assert study.record == load_claims(SCENARIOS / "reproduce")["pnpu_energy_gain"].study.record


def test_shipped_claims_are_these():
    claims = load_claims(SCENARIOS / "reproduce")
    studies = {name: claim.study.study for name, claim in claims.items()}
    assert studies == {
        "lnpu_energy_gain": "energy_gain",
        "pnpu_energy_gain": "energy_gain",
        "pruning": "pruning",
        "same_workload": "same_workload",
        "throughput": "throughput",
        "tsunami_energy_gain": "energy_gain",
    }
    on = {name: claims[f"{name}_energy_gain"].study.calibrated_on.value for name in ("pnpu", "lnpu", "tsunami")}
    assert on == {"pnpu": 3.14, "lnpu": 3.48, "tsunami": 3.42}
    assert claims["same_workload"].study.calibrated_on == (on["pnpu"], on["lnpu"])
    # One layer in all claims, and one sparse point wherever two operands are skipped.
    layers = [claim.study.layer for name, claim in claims.items() if name != "pruning"]
    points = [claims[name].study.sparse_point for name in ("pnpu_energy_gain", "tsunami_energy_gain", "same_workload")]
    assert [layers.count(layers[0]), points.count(points[0])] == [5, 3]
    # What is said of a dense figure beside a published one is the record's.
    for name in ("pnpu", "tsunami"):
        claim = claims[f"{name}_energy_gain"]
        (said,) = re.findall(r"([0-9.]+) times the dense ([0-9.]+)", claim.published[0].what)
        assert said == (f"{claim.published[0].value / on[name]:.1f}", f"{on[name]}")


def test_chips_are_told_apart_by_what_they_are_and_not_by_their_names(small):
    study = study_of(small[0]["small"])
    other = with_parameter(study.study.chip, "core.window", 8)
    assert other.name == study.study.chip.name
    assert study._point(DENSE) == study._point(DENSE, study.study.chip) != study._point(DENSE, other)


def test_several_parameters_at_once_reach_further_than_one(tmp_path):
    folder = write(tmp_path)
    text = (folder / "small.yaml").read_text()
    joint = "  joint: {greatest: {core.window: 32}}\n  record: assumptions"
    (folder / "small.yaml").write_text(text.replace("  record: assumptions", joint))
    found = reproduce(load_claims(folder))["claims"]["small"]["found"]
    (row,) = found["joint"]
    rows = {(row["parameter"], row["value"]): row["number"] for row in found["sensitivities"][0]["rows"]}
    assert row["gain"] == rows["core.window", "32"]
    assert row["gain_least"] < row["gain"] < row["gain_greatest"] <= found["sparse_point"]["gain_greatest"]
    (folder / "small.yaml").write_text(text.replace("  record: assumptions", joint.replace("32", "64")))
    with pytest.raises(ScenarioError, match=r"joint\.greatest.*no other plausible value"):
        load_claims(folder)


def test_results_say_what_they_are_of(small, tmp_path):
    claims, results = small
    assert results["made_of"] == made_of(claims)
    folder = write(tmp_path)
    same = made_of(load_claims(folder))
    assert same == made_of(claims)  # where the files lie makes no difference
    record = folder / "assumptions.yaml"
    record.write_text(record.read_text().replace("low: 8", "low: 4"))
    other = made_of(load_claims(folder))
    assert other["claims"] != same["claims"]
    assert (other["program"], other["evaluation"]) == (same["program"], same["evaluation"])


def test_a_study_says_how_many_published_values_it_is_held_against(tmp_path):
    text = (SCENARIOS / "reproduce" / "pruning.yaml").read_text().replace("inputs/", f"{SCENARIOS}/reproduce/inputs/")
    head, _, tail = text.partition("  - value: 100\n")
    (tmp_path / "pruning.yaml").write_text(head + "study:" + tail.partition("study:")[2])
    (tmp_path / "assumptions.yaml").write_bytes((SCENARIOS / "reproduce" / "assumptions.yaml").read_bytes())
    with pytest.raises(ScenarioError, match=r"pruning\.yaml:\d+:\d+: published: 2 expected, as .* got 1"):
        load_claims(tmp_path)


def test_published_figures_stand_in_claim_files_alone():
    """No study, report or page has one built in."""
    figures = {
        f"{value.value:g}" for claim in load_claims(SCENARIOS / "reproduce").values() for value in claim.published
    }
    assert {"30.1", "5.79", "146.52", "25.3"} <= figures
    for file in (SCENARIOS.parent / "models" / "reproduce").glob("*.py"):
        numbers = set(re.findall(r"\d+\.\d+", file.read_text()))
        assert not numbers & figures, file.name


def test_mistakes_in_a_claim_have_their_place(tmp_path):
    folder = write(tmp_path)
    with pytest.raises(ValueError, match="no claim files"):
        load_claims(tmp_path / "nothing")
    text = (folder / "small.yaml").read_text()
    (folder / "small.yaml").write_text(text.replace("record_of: [pnpu]", "record_of: [pnup]"))
    with pytest.raises(ScenarioError, match=r"small\.yaml:20:15: study\.record_of\[0\]: the record knows pnpu"):
        load_claims(folder)
    (folder / "small.yaml").write_text(text.replace("[fast]", "[fats]"))
    with pytest.raises(ScenarioError, match=r"operating_points"):
        load_claims(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: 1000000", "value: -5", r"small\.yaml:7:\d+: published\[0\]\.value"),
        ("unit: TOPS/W, what: far", "unit: furlongs, what: far", r"small\.yaml:7:\d+: .*this study is in TOPS/W"),
        ("inputs: [1.0, 0.5]", "inputs: [1.0e-300]", r"small\.yaml:\d+:\d+: study\.inputs\[0\]"),
        ("c: 8, h: 6, w: 6", "c: 8, h: 6, w: 100000", r"small\.yaml:\d+:\d+: study\.layer: does not fit PNPU"),
    ],
)
def test_what_a_claim_cannot_say_has_its_place(tmp_path, old, new, message):
    folder = write(tmp_path)
    text = (folder / "small.yaml").read_text()
    assert old in text
    (folder / "small.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=message):
        load_claims(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("core.window: {value: 16", "core.window: {value: 32, alternatives: [16]", "the record says 32, PNPU does not"),
        ("core.window", "core.widnow", "no chip has such a parameter"),
        ("core.window", "core.window.deep", "no chip has such a parameter"),
        ("low: 8, high: 32", "low: 32, high: 8", "low <= value <= high does not hold"),
        ("on: {pnpu: {value: 3.14", "on: {pnpu: {value: 0", r"calibration\.on\.pnpu\.value"),
        ("on: {pnpu:", "on: {other:", "the record has dense figures of other"),
    ],
)
def test_a_record_that_is_not_of_the_chip_is_refused(tmp_path, old, new, message):
    """Otherwise an assumption would leave the sensitivities without a word."""
    folder = write(tmp_path)
    record = (folder / "assumptions.yaml").read_text()
    assert old in record
    (folder / "assumptions.yaml").write_text(record.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=message):
        load_claims(folder)
