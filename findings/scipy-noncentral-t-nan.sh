#!/bin/sh
# scipy.stats.nct.cdf, the noncentral t distribution, which power calculations use, gives nan for ordinary arguments.
#
# Seen with scipy 1.17.1, numpy 2.4.6, CPython 3.11, Linux x86-64.
# Asked is P(T <= x) for noncentralities from 1 to 100.
#
#   The true values are tiny there, and finite.  cdf gives nan at some noncentralities and a small number at their
#   neighbours; sf, its complement, is right everywhere (1).  Nothing is raised and nothing warned of, so a root
#   finder that steps through such a point returns nonsense.  Averaging a normal distribution over the chi-square
#   distribution of the estimated deviation gives the same probability without nan.
#
# What it printed:
#   df 5, x 2: nan at 45, 46, 48, 50
#   df 10, x 5: nan at 66, 67
#   df 30, x 5: nan at 46, 47, 48, 49, 50
#   df 5, x 2, noncentrality 5: 0.00479699 by scipy, 0.00479689 by the average
#
# Fails where that changes.  Needs python3 with venv, and a package index.
set -eu

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cat > "$place/try.py" <<'PYTHON'
import warnings

import numpy as np
from scipy import stats

warnings.simplefilter("error")
noncentralities = np.arange(1.0, 101.0)
for df, x in ((5, 2.0), (10, 5.0), (30, 5.0)):
    cdf = stats.nct.cdf(x, df, noncentralities)
    bad = noncentralities[np.isnan(cdf)]
    print(f"df {df}, x {x:g}: nan at {', '.join(f'{one:g}' for one in bad)}")
    assert len(bad), "cdf is finite now"
    assert np.isfinite(stats.nct.sf(x, df, noncentralities)).all(), "sf is no longer finite"

deviations = np.sqrt(stats.chi2.ppf((np.arange(200_000) + 0.5) / 200_000, 5) / 5)
averaged = stats.norm.cdf(2.0 * deviations - 5.0).mean()
scipys = stats.nct.cdf(2.0, 5, 5.0)
print(f"df 5, x 2, noncentrality 5: {scipys:.6g} by scipy, {averaged:.6g} by the average")
assert abs(averaged - scipys) < 1e-6, "where cdf is finite, the two no longer agree"
PYTHON

python3 -m venv "$place/env"
"$place/env/bin/pip" install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$place/env/bin/python" "$place/try.py"
echo "as described"
