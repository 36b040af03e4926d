"""Names the tables that were read and that nothing was joined to, as gaps."""

from __future__ import annotations

import pandas as pd

_CONSEQUENCES = {
    "users": "whether an id has an account is not said",
    "balances": "whether a balance drifts from its entries is not said",
}


def unjoined_tables(coverage: pd.DataFrame) -> pd.DataFrame:
    """Rows in the columns of ``gaps``, one a table of the coverage that nothing was joined to.

    Examples
    --------
    >>> rows = pd.DataFrame({"source": ["users", "balances"], "read": [9, 9], "tied": [0, 9],
    ...     "recognised": [40, 9], "reason": ["not_joined", None]})
    >>> unjoined_tables(rows)[["object", "problem"]].values.tolist()
    [['users', 'not_joined']]
    """
    rows = coverage[coverage["reason"] == "not_joined"]
    return pd.DataFrame(
        [
            {
                "source": "ledger",
                "object": row["source"],
                "problem": "not_joined",
                "consequence": f"Of {row['recognised']} accounts that the ledger names it has "
                f"{row['tied']}: {_CONSEQUENCES[row['source']]}.",
            }
            for row in rows.to_dict("records")
        ],
        columns=["source", "object", "problem", "consequence"],
    ).astype("str")
