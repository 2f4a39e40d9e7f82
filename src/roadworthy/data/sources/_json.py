"""JSON files of labels, with one line for what is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from roadworthy.data.sources._boxes import read_text, refuse_text


def read_json(path: Path | str) -> Any:
    """What a JSON file says; DataError for what is none."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        refuse_text(path, "JSON", error)
