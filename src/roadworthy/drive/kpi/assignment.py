"""Pairs that cost least in all: the Hungarian method, for the few things that stand in one frame or drive."""

from __future__ import annotations

import numpy as np

from roadworthy.core.arrays import FloatArray, IntArray
from roadworthy.core.errors import ShapeError


def assign(costs: FloatArray) -> tuple[IntArray, IntArray]:
    """(K,) rows and (K,) columns, K = min(R, C), whose costs have the least sum; rows rise.

    costs: (R, C), finite.  Takes time of the order R * R * C, for R <= C.
    Raises ShapeError for what is no matrix, ValueError for costs that are not finite.
    Source: Kuhn 1955, with potentials and shortest paths (Jonker and Volgenant 1987).
    """
    table = np.asarray(costs, np.float64)
    if table.ndim != 2:
        raise ShapeError(f"costs must be (R, C); got {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("costs must be finite; give what may not be a large one")
    if table.shape[0] > table.shape[1]:
        columns, rows = assign(table.T)
        order = np.argsort(rows)
        return rows[order], columns[order]
    owner = _owners(table)
    taken = np.flatnonzero(owner >= 0)
    order = np.argsort(owner[taken])
    return owner[taken][order], taken[order]


def _owners(table: FloatArray) -> IntArray:
    """(C,) which row has each column, -1 for none; rows are brought in one after another."""
    rows, columns = table.shape
    of_rows, of_columns = np.zeros(rows), np.zeros(columns)
    owner = np.full(columns, -1)
    for start in range(rows):
        least, came = np.full(columns, np.inf), np.full(columns, -1)
        done = np.zeros(columns, bool)
        row, column = start, -1
        while True:
            reduced = table[row] - of_rows[row] - of_columns
            better = ~done & (reduced < least)
            least[better], came[better] = reduced[better], column
            column = int(np.where(done, np.inf, least).argmin())
            step = least[column]
            # Potentials move so that the reduced cost of the path stays 0.
            of_rows[start] += step
            of_rows[owner[done]] += step
            of_columns[done] -= step
            least[~done] -= step
            done[column] = True
            if owner[column] < 0:
                break
            row = int(owner[column])
        while column >= 0:
            before = int(came[column])
            owner[column] = start if before < 0 else owner[before]
            column = before
    return owner
