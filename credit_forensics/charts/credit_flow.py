"""Draws whose payments were credited to whom."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from credit_forensics.charts.style import (
    BLUE,
    GREY,
    VERMILLION,
    house_figure,
    need_columns,
    nothing_to_show,
    plain,
    short,
)
from credit_forensics.charts.wording import word
from credit_forensics.records import row_dicts

_MOST_OF_OTHERS = 2


def credit_flow(findings: pd.DataFrame, *, language: str = "en", most: int = 12) -> go.Figure:
    """Sankey from rightful to credited users, over findings that name both.

    Parameters
    ----------
    findings
        columns ``rightful_user_id``, ``credited_user_id``, ``credits``. Rows that lack one of
        the users, or name one user twice, do not flow and are left out; a payment named by two
        findings (column ``payment_id``, where there is one) flows once.
    language
        ``en`` or ``de``.
    most
        flows drawn one by one; smaller ones are gathered into "others", unless those would leave
        no room for them: then they are left out, and the title counts them.

    Examples
    --------
    >>> rows = pd.DataFrame({"rightful_user_id": ["a"], "credited_user_id": ["b"], "credits": [50]})
    >>> list(credit_flow(rows).data[0].link.value)
    [50]
    """
    needed = ("rightful_user_id", "credited_user_id", "credits")
    need_columns(findings, *needed, what="findings")
    rows = findings.dropna(subset=list(needed))
    rows = rows[rows["rightful_user_id"] != rows["credited_user_id"]]
    if "payment_id" in rows.columns:
        named = rows["payment_id"].notna()
        rows = pd.concat([rows[named].drop_duplicates("payment_id"), rows[~named]])
    rows = rows[rows["credits"] > 0]
    if rows.empty:
        title = word(language, "flow.title_none")
        figure = house_figure(title, word(language, "flow.alt_none"))
        return nothing_to_show(figure, word(language, "nothing"))
    flows = (
        rows.groupby(["rightful_user_id", "credited_user_id"])["credits"]
        .sum()
        .reset_index()
        .sort_values(
            ["credits", "rightful_user_id", "credited_user_id"], ascending=[False, True, True]
        )
    )
    top = flows.iloc[0]
    total = int(flows["credits"].sum())
    alt = word(
        language,
        "flow.alt",
        payers=flows["rightful_user_id"].nunique(),
        holders=flows["credited_user_id"].nunique(),
        credits=total,
        most=int(top["credits"]),
        payer=top["rightful_user_id"],
        holder=top["credited_user_id"],
    )
    others = word(language, "flow.others")
    shown = [
        (str(r["rightful_user_id"]), str(r["credited_user_id"]), int(r["credits"]))
        for r in row_dicts(flows.head(most))
    ]
    rest = int(flows["credits"].iloc[most:].sum())
    payers = list(dict.fromkeys(payer for payer, _, _ in shown))
    holders = list(dict.fromkeys(holder for _, holder, _ in shown))
    labels = [f"{plain(short(p))} {word(language, 'flow.paid')}" for p in payers]
    labels += [f"{plain(short(h))} {word(language, 'flow.holds')}" for h in holders]
    source = [payers.index(payer) for payer, _, _ in shown]
    target = [len(payers) + holders.index(holder) for _, holder, _ in shown]
    value = [credits for _, _, credits in shown]
    colours = [BLUE] * len(payers) + [VERMILLION] * len(holders)
    # Beside a band several times their height the single flows are hairlines behind their labels.
    cut = rest > _MOST_OF_OTHERS * sum(value)
    if rest and not cut:
        hidden = len(flows) - most
        labels += [f"{hidden} {others}", f"{hidden} {others}"]
        colours += [GREY, GREY]
        source.append(len(labels) - 2)
        target.append(len(labels) - 1)
        value.append(rest)
    title = word(
        language,
        "flow.title_cut" if cut else "flow.title",
        credits=f"{total:,}".replace(",", "." if language == "de" else ","),
        shown=len(shown),
        flows=f"{len(flows):,}".replace(",", "." if language == "de" else ","),
    )
    figure = house_figure(title, alt, height=80 + 26 * max(len(value), 3))
    figure.add_sankey(
        node={"label": labels, "color": colours, "pad": 12, "thickness": 14, "line": {"width": 0}},
        link={
            "source": source,
            "target": target,
            "value": value,
            "color": ["rgba(138,143,152,0.35)"] * len(value),
            "hovertemplate": "%{source.label} → %{target.label}: %{value} "
            + word(language, "flow.credits")
            + "<extra></extra>",
        },
    )
    return figure
