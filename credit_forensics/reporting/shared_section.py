"""What the wrong payments share that the right ones do not, as a section."""

from __future__ import annotations

from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.elements import Code
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table

SHOWN_TRAITS = 15


def shared_section(view: CaseView) -> Block:
    """Traits by how surely they set the wrong payments apart, with lift and q value."""
    language, text = view.language, view.language.say
    traits = view.traits
    traits = traits[traits["share_of_wrong"] > traits["share_of_right"]]

    def share(key: str) -> TableColumn:
        return TableColumn(
            key, text(f"column.{key}"), lambda row: language.percent(float(row[key]), 0), True
        )

    def q_value(row: Row) -> str:
        value = float(row["q_value"])
        return "< 0.001" if value < 0.001 else language.number(value, 3)

    table = html_table(
        traits.head(SHOWN_TRAITS),
        [
            TableColumn("trait", text("column.trait"), lambda row: view.mask.text(row["trait"])),
            TableColumn(
                "value", text("column.value"), lambda row: Code(view.mask.text(row["value"]))
            ),
            share("share_of_wrong"),
            share("share_of_right"),
            TableColumn("lift", text("column.lift"), lambda row: _lift(language.number, row), True),
            TableColumn("q_value", text("column.q_value"), q_value, True),
        ],
        caption=text("caption.shared"),
        language=language,
        total=len(traits),
    )
    return Block(view.heading("shared"), view.paragraph("shared.intro"), table)


def _lift(number: object, row: Row) -> str:
    assert callable(number)
    lift = row["lift"]
    if lift is None or lift == float("inf"):
        return "∞"
    text = number(float(lift), 1)
    return str(text)
