#!/bin/sh
# School holidays of the package holidays: for one year after a state's last whole one, the January part is
# there and nothing after it.  A year with some days is therefore no year that is known.
#
# Seen with holidays 0.109, CPython 3.11, Linux x86-64.  For each Australian state or territory and year:
# how many school holidays there are, and the last of them.  What it printed:
#   NSW 2030: 78 days, the last on 2030-12-31
#   NSW 2031: 27 days, the last on 2031-01-27
#   NSW 2032: 0 days
#   ACT 2027: 98 days, the last on 2027-12-31
#   ACT 2028: 0 days
#   ACT 2029: 0 days
# So it is one state that has a part of a year, and another that ends with a whole one.
#
# Fails where that changes.  Needs python3 with venv, and a package index.
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/try.py" <<'PYTHON'
import holidays

found = {}
for state, years in (("NSW", (2030, 2031, 2032)), ("ACT", (2027, 2028, 2029))):
    for year in years:
        days = sorted(holidays.country_holidays("AU", subdiv=state, years=year, categories="school"))
        found[state, year] = (len(days), days[-1].month if days else None)
        print(f"{state} {year}: {len(days)} days" + (f", the last on {days[-1]}" if days else ""))
whole, part = found["NSW", 2030], found["NSW", 2031]
assert whole[0] > 70 and whole[1] == 12, "2030 is not whole any more"
assert 0 < part[0] < 40 and part[1] == 1, "2031 is another part now"
PYTHON
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet holidays==0.109
"$place/venv/bin/python" "$place/try.py"
