"""The committed page is what its generator makes of the committed results, and says what does not agree."""

import json
import re
from pathlib import Path

import pytest

from cosim.models.reproduce.page import plots, sensitivity_page, validation_page

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def data():
    return json.loads((DOCS / "validation.json").read_bytes())


def test_the_page_and_its_plots_are_made_of_the_results(data):
    assert (DOCS / "validation.md").read_text() == validation_page(data)
    assert (DOCS / "validation-sensitivity.md").read_text() == sensitivity_page(data)
    found = plots(data)
    assert {path.name for path in DOCS.glob("validation-*.svg")} == set(found)
    assert found
    for name, svg in found.items():
        assert (DOCS / name).read_text() == svg
        assert f"({name})" in validation_page(data)


def test_every_miss_is_said_plainly(data):
    page = validation_page(data)
    overview, _, rest = page.partition("## What does not agree")
    plainly = rest.partition("\n## ")[0]
    assert len(re.findall(r"\| miss", overview)) == len(re.findall(r": miss", plainly))


def test_results_are_of_the_shipped_claims(data):
    shipped = {file.stem for file in (DOCS.parent / "scenarios" / "reproduce").glob("*.yaml")} - {"assumptions"}
    assert {*data["results"]["claims"], *data["not_run"]} == shipped
    assert not set(data["results"]["claims"]) & set(data["not_run"])
    for name in data["not_run"]:
        assert f"`{name}`" in validation_page(data).partition("**Not on this page**")[2].partition("\n")[0]


def test_what_is_held_equal_passed(data):
    assert data["equalities"]
    for row in data["equalities"]:
        assert (DOCS.parent / row["file"]).is_file()
        assert row["passed"] == row["cases"] > 0
