#!/bin/sh
# typer 0.29 imports pydantic, where it is installed, to parse any command line.
#
# Seen with typer 0.28.0 and 0.29.2, pydantic 2.14.4, CPython 3.11, Linux x86-64.
# The program is typer's smallest: one command with one text argument, which uses nothing of pydantic.
#
#   0.28.0 answers without it.  0.29.2 imports it, which typer does not depend on: a program starts slower as soon as
#   some other package in the environment brings pydantic, and not because of anything that the program does.
#
# What it printed (the times differ from run to run):
#   typer 0.28.0: pydantic imported: False, 0.20 s
#   typer 0.29.2: pydantic imported: True, 0.30 s
#
# Fails where that changes; the times are not judged.  Needs python3 with venv, and a package index.
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/hello.py" <<'PYTHON'
import sys
import time

started = time.perf_counter()
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    """Greet nobody."""


app([sys.argv[1]], standalone_mode=False)
imported = "pydantic" in sys.modules
print(f"typer {typer.__version__}: pydantic imported: {imported}, {time.perf_counter() - started:.2f} s")
sys.exit(imported != (sys.argv[1] == "with"))
PYTHON

for case in "0.28.0 without" "0.29.2 with"; do
    version=${case% *}
    python3 -m venv "$place/$version"
    "$place/$version/bin/pip" install --quiet --disable-pip-version-check "typer==$version" pydantic==2.14.4
    "$place/$version/bin/python" "$place/hello.py" "${case#* }" > /dev/null  # once to compile
    "$place/$version/bin/python" "$place/hello.py" "${case#* }"
done
echo "as described"
