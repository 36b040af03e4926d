"""A repair of a simulated shop: planned by all that Stripe knows, applied some steps later."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from selling import Selling
from shop_truth import CREDITS, PRICE

from credit_forensics.case.case import Case
from credit_forensics.errors import CaseError
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
from credit_forensics.repair.repair_plan import RepairPlan


class Repairing(Selling):
    """The steps of a run that repair its ledger."""

    plan: RepairPlan | None = None

    async def _plan(self) -> None:
        """Plan a repair of all that Stripe knows."""
        if self.payments:
            case = self._write_case()
            self.plan = await asyncio.to_thread(lambda: make_plan(Case.open(case, store=False)))
            self.say(f"planned: {self.plan.refusal or 'a repair'}")

    async def _apply(self) -> None:
        """Apply the plan of a while ago, while deliveries go on."""
        plan = self.plan
        if plan is None or plan.script is None:
            self.say(f"no repair: {plan.refusal if plan else 'nothing is planned'}")
            return
        async with self._meanwhile(0):
            try:
                applied = await asyncio.to_thread(apply_plan, plan)
            except CaseError as error:
                self.say(f"repair refused: {error}")
            else:
                found = [(one.finding, one.payment_id, state) for one, state in applied.steps]
                self.say(f"repair: {found}")

    def _write_case(self) -> Path:
        sessions = [p for p in self.payments if p.kind != "renewal"]
        invoiced = [p for p in self.payments if p.kind != "once"]
        tables = {
            "sessions": [p.session() for p in sessions],
            "invoices": [p.invoice() for p in invoiced],
            "invoice_payments": [p.invoice_payment() for p in invoiced if not p.old],
            "charges": [p.charge() for p in self.payments],
            "events": self.events,
        }
        settings = ['name = "simulated"', "[stripe]"]
        for name, rows in tables.items():
            if rows:
                lines = "".join(json.dumps(row) + "\n" for row in rows)
                (self.folder / f"{name}.jsonl").write_text(lines)
                settings.append(f'{name} = "{name}.jsonl"')
        settings += ["[ledger]", f'url = "{self.url}"', 'schema = "credit_ledger"']
        settings += ["[prices]", f"{PRICE} = {CREDITS}", ""]
        case = self.folder / "case.toml"
        case.write_text("\n".join(settings))
        return case
