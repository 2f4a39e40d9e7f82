"""Fetch what the page needs from npm, pinned and checked: onnxruntime-web (MIT).

    python -m roadworthy.serve.vendor        (make page)

Without it the page asks the server for answers.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "onnxruntime-web@1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
PLACE = Path(__file__).parent / "page" / "vendor"


def main() -> int:
    """Fetch, check, unpack; returns an exit code."""
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not on the PATH; it fetches onnxruntime-web for the page", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        packed = subprocess.run(
            [npm, "pack", "--silent", PACKAGE], cwd=place, capture_output=True, text=True, check=False
        )
        archives = list(Path(place).glob("*.tgz"))
        if packed.returncode or not archives:
            print(f"npm could not fetch {PACKAGE}: {packed.stderr.strip()[-300:]}", file=sys.stderr)
            return 2
        found = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
        if found != SHA512:
            print(f"{PACKAGE} is not what was pinned: its SHA-512 is {found}", file=sys.stderr)
            return 2
        PLACE.mkdir(exist_ok=True)
        with tarfile.open(archives[0]) as archive:
            for name in FILES:
                source = archive.extractfile(f"package/dist/{name}")
                assert source is not None
                (PLACE / name).write_bytes(source.read())
    print(PLACE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
