"""Images per second for decoding and caching a data spec (cold) and for opening it again (warm).

python benchmarks/decode.py --data gtsrb:DIR [--size 48]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from roadworthy.data.cache import load_pixels
from roadworthy.data.spec import read_records
from roadworthy.imaging.spec import InputSpec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", default="gtsrb:", help="data spec")
    parser.add_argument("--size", type=int, default=48, help="side of the square input in pixels")
    parser.add_argument("--workers", type=int, default=None, help="default: one a core")
    asked = parser.parse_args()
    records = read_records(asked.data)
    print(f"{asked.data}: {len(records):,} pictures at {asked.size} px, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cold", "warm"):
            start = time.perf_counter()
            spec = InputSpec(size=asked.size)
            pixels = load_pixels(
                records, spec, cache_dir=Path(folder), workers=asked.workers, skip_unreadable=True
            )
            seconds = time.perf_counter() - start
            note = f"; {pixels.note}" if pixels.note else ""
            print(f"{name}: {seconds:.2f} s, {len(records) / seconds:,.0f} images/s{note}")


if __name__ == "__main__":
    main()
