"""Goes by a click from one thing of a case to another: payment, account, card, incident."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from credit_forensics.case.case import Case
from credit_forensics.extras import load
from credit_forensics.notebook.entities import Entity, entity_page, neighbours
from credit_forensics.reporting.case_view import CaseView


class Pivot:
    """Buttons to what one thing is related to; a click shows that below, with its own buttons.

    Parameters
    ----------
    case, view
        the case, and what is shown of it.
    went
        told where a click led.

    Attributes
    ----------
    widget
        the buttons above the page, as one widget.
    at
        what is shown.
    """

    def __init__(
        self, case: Case, view: CaseView, went: Callable[[Entity], None] | None = None
    ) -> None:
        self._case, self._view, self._went = case, view, went
        self._back: list[Entity] = []
        self.at: Entity | None = None
        self.widget = load("ipywidgets").VBox()
        self._replace(())

    def start(self, entity: Entity | None) -> None:
        """Stand at a thing whose page is shown elsewhere: buttons, and no page."""
        self.at, self._back = entity, []
        self._replace(())

    def go(self, entity: Entity) -> None:
        """Show a thing."""
        if self.at is not None:
            self._back.append(self.at)
        self._show(entity)

    def back(self) -> None:
        """Show what was shown before."""
        if self._back:
            self._show(self._back.pop())

    def _show(self, entity: Entity) -> None:
        self.at = entity
        self._replace(
            tuple(
                {"output_type": "display_data", "data": bundle, "metadata": {}}
                for block in entity_page(self._case, self._view, entity)
                for bundle in block.bundles()
            )
        )
        if self._went:
            self._went(entity)

    def _replace(self, outputs: tuple[dict[str, Any], ...]) -> None:
        """A page and its buttons at once, so that no button is met under a later page."""
        widgets = load("ipywidgets")
        gone = self.widget.children
        row = widgets.Layout(flex_flow="row wrap", display="flex")
        self._buttons = widgets.Box(self._entity_buttons(), layout=row)
        self._page = widgets.Output(outputs=outputs)
        self.widget.children = (self._buttons, self._page)
        # A kernel keeps every widget that nobody closes.
        for part in gone:
            for one in (*getattr(part, "children", ()), part):
                one.close()

    def _entity_buttons(self) -> list[Any]:
        found = neighbours(self._view, self.at) if self.at else []
        say = self._view.language.say
        buttons = [self._button(f"← {say('entity.back')}", self.back)] if self._back else []
        for entity in found:
            button = self._button(entity.label(self._view), partial(self.go, entity))
            button.tooltip = entity.shown(self._view)
            buttons.append(button)
        return buttons

    def _button(self, label: str, act: Callable[[], None]) -> Any:
        widgets = load("ipywidgets")
        button = widgets.Button(description=label, layout=widgets.Layout(width="auto"))
        button.on_click(lambda _: act())
        return button
