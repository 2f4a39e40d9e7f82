"""Write docs/guide/formats.md's table from the registry of formats: python docs/make_formats.py."""

from __future__ import annotations

from pathlib import Path

from roadworthy.data.formats import table

PAGE = Path(__file__).parent / "guide" / "formats.md"
START, END = "<!-- formats: written by docs/make_formats.py -->", "<!-- end of formats -->"


def updated(page: str) -> str:
    """The page with its table renewed."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
