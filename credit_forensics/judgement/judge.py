"""Runs resolution and judgement on an engine, step by step, keeping what the next step reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from credit_forensics.coverage.judged_shares import measure_judged
from credit_forensics.coverage.measure import at_new_spans, measure_coverage
from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Kept, Recipe
from credit_forensics.errors import CaseError
from credit_forensics.judgement.as_of_fusion import fuse_as_of
from credit_forensics.judgement.calibration import Calibration
from credit_forensics.judgement.families import Family, with_custom
from credit_forensics.judgement.fusion import POSTERIORS, Fused, Known, fuse
from credit_forensics.judgement.model import Fit
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.judgement.patterns import MOST_FAMILIES
from credit_forensics.judgement.periods import AS_OF_PERIODS, Periods, choose_periods
from credit_forensics.judgement.persons import accounts_by_age, group_persons
from credit_forensics.judgement.plan import BY_PAYMENT, Plan, Steps
from credit_forensics.judgement.voices import as_persons, with_persons
from credit_forensics.resolution.claims import claims
from credit_forensics.resolution.history import Mode
from credit_forensics.resolution.method import SESSION, Method
from credit_forensics.resolution.methods import METHODS
from credit_forensics.tables.catalogue import Tables, spec
from credit_forensics.tables.expressions import ir


@dataclass
class Judgement:
    """What the judgement kept: expressions over what lies on the engine, and the model.

    ``kept`` are the tables of ``plan.Plan`` that lie on the engine, and ``posteriors``. ``linked``
    and ``has_users`` are what the plan depended on of the evidence; it is built when asked for.
    """

    mode: Mode
    methods: tuple[Method, ...]
    families: tuple[Family, ...]
    periods: Periods
    patterns: Patterns
    cells: Cells
    fit: Fit
    first_fit: Fit
    kept: dict[str, Kept]
    linked: bool
    has_users: bool
    left_out: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    calibration: Calibration = field(default_factory=Calibration)
    labelled: pd.DataFrame | None = None

    @property
    def steps(self) -> Steps:
        """What it is made of."""
        return Steps(
            self.methods, self.families, self.mode, self.left_out, self.linked, self.has_users
        )

    @property
    def plan(self) -> Plan:
        """The expressions; built once a process."""
        return self.steps.plan

    @property
    def judged_query(self) -> Recipe:
        """``judged``, built only where its text is not kept."""
        return self.steps.recipe("judged")

    @property
    def claims_query(self) -> Recipe:
        """``claims()``, built only where its text is not kept."""
        return self.over("claims", self.claims)

    @property
    def matrix_query(self) -> Recipe:
        """``matrix``, built only where its text is not kept."""
        return self.steps.recipe("matrix")

    def over(self, name: str, build: Callable[[], ir.Table]) -> Recipe:
        """A query over what was kept, by a name of its own among the steps'."""
        return Recipe(self.steps.recipe(name).name, build)

    @property
    def matrix(self) -> ir.Table:
        """The wide matrix with histories, joined when asked for."""
        return self.plan.matrix

    @property
    def methods_by_person(self) -> ir.Table:
        """``payment_id`` and a column a method, with persons instead of user ids."""
        names = [method.name for method in self.methods]
        rows = self.matrix.select("payment_id", *names)
        # Histories name persons already.
        ids = [method.name for method in self.methods if not method.history]
        if not self.linked:
            return rows
        return as_persons(with_persons(rows, Tables().persons, ids), ids)

    @property
    def judged(self) -> ir.Table:
        """The voices with their posteriors, joined when asked for."""
        return self.plan.judged

    def claims(self) -> ir.Table:
        """What each method says of each payment, in no order: the table ``claims``.

        From what is kept, not from ``matrix``, which is as wide as all of it together.
        """
        histories = {
            method.name: self.kept[f"{method.stem}_votes"].table
            for method in self.methods
            if method.history
        }
        return claims(Tables(), self.kept["first_matrix"].table, self.methods, histories)


@dataclass(frozen=True)
class Basis:
    """What an earlier judgement of all evidence leaves for judging a part of it anew.

    ``accounts``: how many accounts there are in all. ``first`` and ``final`` are the two rounds of
    fusion. The periods are numbered from ``periods.start`` on, so the part lies after it.
    ``coverage`` is what the sources show: of a part alone the shares would say nothing.
    """

    periods: Periods
    accounts: int
    first: Known
    final: Known
    coverage: pd.DataFrame | None = None


def judge(
    engine: Engine,
    *,
    mode: Mode = "hindsight",
    custom: Sequence[Method] = (),
    different: Sequence[tuple[str, str]] = (),
    left_out: Sequence[str] = (),
    basis: Basis | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Judgement:
    """Resolve and judge the evidence that lies on an engine.

    Parameters
    ----------
    engine
        holds the prepared evidence tables.
    mode
        ``hindsight`` (everything but the payment) or ``as_of`` (what could be known then).
    custom
        methods of one's own, beside the house's.
    different
        pairs of ids that are two people whatever the evidence says.
    left_out
        families to leave out, to see what they contribute.
    basis
        where the engine holds a part of the evidence only: what was learned of the whole.
    progress
        called with a step's name, its number and how many there are.

    Raises
    ------
    CaseError
        for more families than the patterns can hold.
    """
    steps = iter(range(1, 8))

    def step(name: str) -> None:
        if progress:
            progress(name, next(steps), 7)

    methods = _checked((*METHODS, *custom))
    families = with_custom([method.family for method in methods])
    if len(families) > MOST_FAMILIES:
        own = MOST_FAMILIES - len(with_custom([method.family for method in METHODS]))
        raise CaseError(f"Methods of one's own may add {own} families.")
    by_age = engine.frame(Recipe("accounts-by-age", lambda: accounts_by_age(Tables())))
    accounts = by_age["user_id"]
    # With a basis there is a fit already, and what came before is in it.
    in_order = mode == "as_of" and basis is None
    made = np.sort(_hours(by_age["made"])) if in_order else None

    def steps_of(linked: bool) -> Steps:
        has_users = bool(len(accounts))
        return Steps(methods, families, mode, tuple(left_out), linked, has_users)

    kept = {"posteriors": Kept("posteriors", POSTERIORS)}

    def run(*names: str) -> None:
        for name in names:
            recipe = plan.recipe(name)
            kept[name] = engine.materialize(name, recipe, by_payment=name in BY_PAYMENT)

    def drop(*names: str) -> None:
        engine.drop(*names)
        for name in names:
            kept.pop(name, None)

    def fused_by(name: str, keep: str, known: Known | None, without: str | None = None) -> Fused:
        counted = plan.recipe(name)
        if made is not None:
            return fuse_as_of(engine, counted, families, made, keep, without=without)
        return fuse(engine, counted, families, count, keep, known=known, without=without)

    plan = steps_of(False)
    step("session fields")
    run("session_fields", "credited")
    measured = None
    if basis is None or basis.coverage is None:
        measured = measure_coverage(engine)
        engine.register("coverage", measured.coverage)
    else:
        engine.register("coverage", at_new_spans(basis.coverage, engine))
    step("persons")
    persons = group_persons(engine.frame(plan.recipe("links")), accounts, list(different))
    engine.register("persons", persons)
    plan = steps_of(bool(len(persons)))
    periods = _periods(engine, plan, basis, in_order=in_order)
    count = basis.accounts if basis else len(accounts)
    step("methods")
    for name in plan.lookups:
        engine.materialize(name, plan.recipe(name))
    run("first_matrix", "name_owners", "front_ends")
    drop("session_fields", *plan.lookups)
    step("first judgement")
    run("first_keyed", "first_name_questions", "first_name_marks")
    drop("first_name_questions")
    first = fused_by("first_counts", "first_posteriors", basis.first if basis else None, SESSION)
    step("histories")
    run("ownership")
    run(*plan.votes)
    drop("ownership", "first_posteriors")
    step("judgement")
    run("keyed", "name_questions", "name_marks")
    drop("name_questions", "name_owners", "front_ends")
    fused = fused_by("counts", "posteriors", basis.final if basis else None)
    step("verdicts")
    run("habits", "verdicts", "choices")
    drop("habits")
    # Of a part no share can be told.
    shares = measure_judged(engine, measured) if measured else spec("judged_shares").empty()
    engine.register("judged_shares", shares)
    return Judgement(
        mode=mode,
        methods=methods,
        families=families,
        periods=periods,
        patterns=fused.patterns,
        cells=fused.cells,
        fit=fused.fit,
        first_fit=first.fit,
        kept=kept,
        linked=bool(len(persons)),
        has_users=bool(len(accounts)),
        left_out=tuple(left_out),
        notes=list(fused.fit.notes),
    )


def _checked(methods: tuple[Method, ...]) -> tuple[Method, ...]:
    names = [method.name for method in methods]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CaseError(f"There are two methods of the name {twice[0]}.")
    if sum(method.voice == "shared" for method in methods) > 1:
        raise CaseError("Only one method may name several accounts by a shared name.")
    return methods


def _periods(engine: Engine, plan: Steps, basis: Basis | None, *, in_order: bool) -> Periods:
    periods = basis.periods if basis else AS_OF_PERIODS
    if basis is None and not in_order:
        row = engine.arrow(plan.recipe("times")).to_pylist()[0]
        periods = Periods(0, 86_400)
        if row["first"] is not None:
            names = ("first", "last", "payments", "busy")
            periods = choose_periods(*(int(row[name]) for name in names))
    engine.register("periods", pd.DataFrame({"start": [periods.start], "width": [periods.width]}))
    return periods


def _hours(seconds: pd.Series) -> npt.NDArray[np.int64]:
    since = seconds.astype("Int64").fillna(AS_OF_PERIODS.start).to_numpy(dtype=np.int64)
    hours = (since - AS_OF_PERIODS.start) // AS_OF_PERIODS.width
    return hours.clip(0).astype(np.int64)
