"""Make docs/validation.md: `python tools/validate.py RESULTS.json`, where RESULTS.json is what `cosim reproduce` wrote.

The recorded results of other simulators and the published cycles are met again by running their tests; what came out is
kept in docs/validation.json, from which the page is made. Some of the tests need published data that are not part of
the project (tests/helpers/published.py says where they are looked for): without them, nothing is written.
"""

import ast
import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from cosim.models.reproduce.claim_files import claim_files
from cosim.models.reproduce.claims import load_claims, made_of
from cosim.models.reproduce.page import plots, sensitivity_page, validation_page

ROOT = Path(__file__).resolve().parents[1]
CLAIMS = ROOT / "scenarios" / "reproduce"
DOCS = ROOT / "docs"
EQUALITIES = (
    "tests/reference/dram/test_simulators.py",
    "tests/reference/noc/test_recorded_packets.py",
    "tests/reference/noc/test_recorded_variants.py",
    "tests/reference/noc/test_recorded_curves.py",
    "tests/unit/core/test_eyeriss_v2.py",
    "tests/unit/core/test_engine.py",
    "tests/litmus/test_litmus.py",
)
DIGITS = 6


def main() -> None:
    """Write docs/validation.json, the page and its plots."""
    results = json.loads(Path(sys.argv[1]).read_bytes())
    if wrong := stale(results):
        raise SystemExit(f"{sys.argv[1]}: {wrong}; run `cosim reproduce` again")
    shipped = set(claim_files(CLAIMS))
    data = {
        "results": rounded(results),
        "not_run": sorted(shipped - set(results["claims"])),
        "equalities": [equality(file) for file in EQUALITIES],
    }
    (DOCS / "validation.json").write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
    (DOCS / "validation.md").write_text(validation_page(data))
    (DOCS / "validation-sensitivity.md").write_text(sensitivity_page(data))
    for old in DOCS.glob("validation-*.svg"):
        old.unlink()
    for name, svg in plots(data).items():
        (DOCS / name).write_text(svg)


def stale(results) -> str:
    """What of the results is of another state of the program or of the claims than now; empty if nothing is."""
    claims = {name: claim for name, claim in load_claims(CLAIMS).items() if name in results["claims"]}
    made, now = results.get("made_of", {}), made_of(claims)
    for what in ("program", "evaluation"):
        if made.get(what) != now[what]:
            return f"made by another state of the program ({what})"
    changed = [name for name in results["claims"] if made["claims"].get(name) != now["claims"].get(name)]
    return f"of other claims: {', '.join(changed)}" if changed else ""


def rounded(value):
    """Floats to six significant digits: no more are shown, and the file stays readable."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(child) for key, child in value.items()}
    return [rounded(child) for child in value] if isinstance(value, list) else value


def equality(file: str) -> dict[str, object]:
    """Run a test file and count; its module's docstring says what it holds equal."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", file]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        suite = ET.parse(report).getroot().find("testsuite")
    counts = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
    text = (ast.get_docstring(ast.parse((ROOT / file).read_text())) or "").partition("\n\n")[0].replace("\n", " ")
    passed = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
    if passed < counts["tests"]:
        said = f"{passed} of {counts['tests']} passed, {counts['skipped']} skipped"
        raise SystemExit(f"{file}: only {said}; all must pass, none left out")
    return {"file": file, "what": text.rstrip("."), "cases": counts["tests"], "passed": passed}


if __name__ == "__main__":
    main()
