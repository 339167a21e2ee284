"""The optimal assignment of a frame's faces to the tracks.

The method is the Hungarian one with shortest augmenting paths (R. Jonker, A. Volgenant, 1987); it
adds one row of the cost matrix at a time. Rejected: SciPy's `linear_sum_assignment`. It returns the
same result, but importing it takes half a second and 36 MB, and a room has a few dozen faces at
most.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def assign(costs: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs `(row, column)` with the least sum of `costs` `(N, M)`, sorted by row.

    There are `min(N, M)` pairs, and no row or column is in two of them. All costs are finite.
    """
    if costs.shape[0] > costs.shape[1]:
        return sorted((row, column) for column, row in assign(costs.T))
    rows, columns = costs.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    for row in range(rows):
        # The cheapest path from `row` to each column over the existing pairs, as by Dijkstra.
        least, before = np.full(columns, np.inf), np.full(columns, -1)
        reached = np.zeros(columns, bool)
        at, column, length = row, -1, 0.0
        while at >= 0:
            through = length + costs[at] - row_price[at] - column_price
            shorter = ~reached & (through < least)
            least[shorter], before[shorter] = through[shorter], column
            column = int(np.argmin(np.where(reached, np.inf, least)))
            length = float(least[column])
            reached[column] = True
            at = int(row_of[column])
        others = reached.copy()
        others[column] = False
        row_price[row] += length
        row_price[row_of[others]] += length - least[others]
        column_price[others] -= length - least[others]
        while column >= 0:
            following = int(before[column])
            row_of[column] = row if following < 0 else row_of[following]
            column = following
    return sorted((int(row), column) for column, row in enumerate(row_of) if row >= 0)
