"""Published data that are not part of the project, and the table of the documentation that is made of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def published(name: str, *, slow: bool = False):
    """A parameter: the file of that name in $COSIM_FACTS, or beside the project; skipped where it is not there."""
    folders = [Path(os.environ.get("COSIM_FACTS", "facts"))]
    folders += [up / "shared" / "facts" for up in Path(__file__).resolve().parents]
    found = next((folder / name for folder in folders if (folder / name).is_file()), None)
    reason = f"published data are not part of the project: put {name} into $COSIM_FACTS"
    marks = [pytest.mark.skipif(found is None, reason=reason), *([pytest.mark.slow] if slow else [])]
    return pytest.param(found, id=name, marks=marks)


def scnn_table() -> dict[str, list[str]]:
    """Of docs/cores.md SCNN's speed-ups: of each network the cells behind its name, the published one first."""
    section = (ROOT / "docs/cores.md").read_text().split("## SCNN and DCNN", 1)[1].split("All densities", 1)[0]
    rows = re.findall(r"^\| (AlexNet|VGG16|GoogLeNet) [^|]*\| (.*) \|$", section, flags=re.MULTILINE)
    return {network: cells.split(" | ") for network, cells in rows}
