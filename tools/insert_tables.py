"""Put a file between the marks `<!-- tables: begin -->` and `<!-- tables: end -->` of a page."""

import sys
from pathlib import Path

BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->"


def main(page: Path, tables: Path) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(before + BEGIN + tables.read_text(encoding="utf-8") + END + after, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
