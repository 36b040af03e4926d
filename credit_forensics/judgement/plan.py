"""Every expression of resolution and judgement, in the order in which the engine runs them.

A plan depends on the methods, the families and a few facts about the evidence, never on its rows,
so it is built (and compiled) once a process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from credit_forensics.engines.recipes import Recipe
from credit_forensics.judgement.chosen_claims import chosen_claims
from credit_forensics.judgement.families import FAMILIES, Family
from credit_forensics.judgement.front_ends import front_end_marks
from credit_forensics.judgement.fusion import (
    POSTERIORS,
    counted_patterns,
    keyed_voices,
    with_posteriors,
)
from credit_forensics.judgement.patrons import payer_relations
from credit_forensics.judgement.patterns import (
    all_marks,
    mark_session,
    name_marks,
    name_questions,
    owned_names,
    relation_marks,
    whole_patterns,
)
from credit_forensics.judgement.payer_habits import HABITS, payer_habits
from credit_forensics.judgement.periods import busy_times
from credit_forensics.judgement.persons import person_links
from credit_forensics.judgement.verdicts import person_of_best, verdicts
from credit_forensics.judgement.voices import (
    as_persons,
    family_voices,
    for_histories,
    used_again,
    with_persons,
    with_translated_ids,
)
from credit_forensics.resolution.credited import credited
from credit_forensics.resolution.given_values import with_contradictions
from credit_forensics.resolution.history import HISTORY_VOTES, Mode, history_votes
from credit_forensics.resolution.matrix import (
    build_matrix,
    lookup_name,
    lookup_tables,
    with_histories,
)
from credit_forensics.resolution.method import Method
from credit_forensics.resolution.methods import METHODS
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

BY_PAYMENT = (
    "session_fields",
    "credited",
    "first_matrix",
    "front_ends",
    "first_keyed",
    "first_name_questions",
    "ownership",
    "keyed",
    "name_questions",
    "verdicts",
    "choices",
)
"""Steps that read, of every table with a ``payment_id``, the rows of the payment at hand only."""

# A payment vouches for others only where it is itself more likely right than not.
_OWNED_FROM = 500_000  # millionths


@dataclass(frozen=True)
class Steps:
    """The plan's steps as recipes, by what they depend on; a step's rows are kept under its name.

    Parameters
    ----------
    methods, families, mode, left_out, linked, has_users
        as ``make_plan`` takes them.

    Examples
    --------
    >>> steps = Steps(METHODS, FAMILIES, "hindsight")
    >>> steps.recipe("verdicts").name
    'judgement-hindsight-verdicts'
    >>> Steps((), FAMILIES, "hindsight").recipe("verdicts").name
    ''
    """

    methods: tuple[Method, ...]
    families: tuple[Family, ...]
    mode: Mode
    left_out: tuple[str, ...] = ()
    linked: bool = False
    has_users: bool = False

    @property
    def plan(self) -> Plan:
        """The expressions; built once a process."""
        return make_plan(
            self.methods,
            self.families,
            self.mode,
            left_out=self.left_out,
            linked=self.linked,
            has_users=self.has_users,
        )

    @property
    def lookups(self) -> list[str]:
        """The steps that look up what methods need."""
        looking = [one for one in self.methods if one.lookup is not None or one.rows is not None]
        return list(dict.fromkeys(lookup_name(one, self.methods) for one in looking))

    @property
    def votes(self) -> list[str]:
        """The steps that gather what histories say."""
        return [f"{one.stem}_votes" for one in self.methods if one.history]

    def recipe(self, name: str) -> Recipe:
        """A step: a field of the plan, a lookup, or a history's votes."""

        def build() -> ir.Table:
            plan = self.plan
            found = plan.lookups.get(name, plan.votes.get(name))
            expression: ir.Table = getattr(plan, name) if found is None else found
            return expression

        known = {family.name for family in FAMILIES}
        ours = (
            self.methods == METHODS
            and self.families == FAMILIES
            and known.issuperset(self.left_out)
        )
        with_what = [what for what in ("linked", "has_users") if getattr(self, what)]
        apart = [f"without-{family}" for family in self.left_out]
        kept = "-".join(["judgement", self.mode, *with_what, *apart, name])
        return Recipe(kept if ours else "", build)


@dataclass(frozen=True)
class Plan:
    """Expressions by the names under which the engine keeps them.

    ``matrix`` and ``judged`` are not kept: each is a join of what is, and as wide as all of it.
    """

    session_fields: ir.Table
    credited: ir.Table
    links: ir.Table
    lookups: dict[str, ir.Table]
    first_matrix: ir.Table
    name_owners: ir.Table
    front_ends: ir.Table
    times: ir.Table
    first_keyed: ir.Table
    first_name_questions: ir.Table
    first_name_marks: ir.Table
    first_counts: ir.Table
    ownership: ir.Table
    votes: dict[str, ir.Table]
    matrix: ir.Table
    keyed: ir.Table
    name_questions: ir.Table
    name_marks: ir.Table
    counts: ir.Table
    judged: ir.Table
    habits: ir.Table
    verdicts: ir.Table
    choices: ir.Table


@lru_cache(maxsize=32)
def make_plan(
    methods: tuple[Method, ...],
    families: tuple[Family, ...],
    mode: Mode,
    *,
    left_out: tuple[str, ...],
    linked: bool,
    has_users: bool,
) -> Plan:
    """Build the plan.

    Parameters
    ----------
    methods
        all methods, in order.
    families
        the families, in order.
    mode
        ``hindsight`` or ``as_of``.
    left_out
        families to leave out.
    linked
        whether any ids are linked into persons; without links no id needs to be replaced.
    has_users
        whether the evidence holds accounts.
    """
    tables = Tables()

    def kept(name: str, expression: ir.Table) -> ir.Table:
        return ibis.table(expression.schema(), name=name)

    fields = session_fields(tables, methods)
    stored_fields = kept("session_fields", fields)
    lookups = lookup_tables(tables, methods)
    stored_lookups = {name: kept(name, table) for name, table in lookups.items()}
    first = build_matrix(tables, stored_fields, tables.credited, methods, stored_lookups)
    # A person stands beside each id; without links the ids are the persons themselves.
    ids = [method.name for method in methods if not method.history] if linked else []
    ids += ["ledger"] if linked else []
    first = with_contradictions(
        with_persons(first, tables.persons, ids), methods, tables.users if has_users else None
    )
    stored_matrix = kept("first_matrix", first)
    name_owners = _name_owners(tables)
    kept_name_owners = kept("name_owners", name_owners)
    beside = for_histories(methods)
    first_voices = family_voices(
        as_persons(stored_matrix, ids), families, methods, left_out, keep=beside
    )
    if has_users:
        first_voices = with_translated_ids(first_voices, tables)
    front_ends = front_end_marks(tables, len(families))
    marked = mark_session(first_voices, kept_name_owners, kept("front_ends", front_ends))
    first_keyed = keyed_voices(marked, families)
    stored_first = kept("first_keyed", first_keyed)
    first_questions = name_questions(stored_first, families)
    first_marks = all_marks(
        name_marks(kept("first_name_questions", first_questions), kept_name_owners, families),
        relation_marks(payer_relations(stored_first, mode), families),
    )
    first_whole = whole_patterns(stored_first, kept("first_name_marks", first_marks))
    first_judged = with_posteriors(first_whole, ibis.table(POSTERIORS, name="first_posteriors"))
    histories = {method.stem: method.history for method in methods if method.history}
    ownership = _ownership(tables, first_judged, families, list(histories.values()))
    owned = kept("ownership", ownership)
    votes = {stem: ibis.table(HISTORY_VOTES, name=f"{stem}_votes") for stem in histories}
    voiced = with_histories(stored_matrix, votes)
    # Histories name persons already, so they are used beside the first round's voices.
    voices = used_again(
        stored_first.drop("pattern", "asks", "period"),
        votes,
        families,
        methods=methods,
        left_out=left_out,
    )
    keyed = keyed_voices(voices, families)
    stored_keyed = kept("keyed", keyed)
    questions = name_questions(stored_keyed, families)
    marks = all_marks(
        name_marks(kept("name_questions", questions), kept_name_owners, families),
        relation_marks(payer_relations(stored_keyed, mode), families),
    )
    whole = whole_patterns(stored_keyed, kept("name_marks", marks))
    judged = with_posteriors(whole, ibis.table(POSTERIORS, name="posteriors"))
    return Plan(
        session_fields=fields,
        credited=credited(tables),
        links=person_links(tables, stored_fields),
        lookups=lookups,
        first_matrix=first,
        name_owners=name_owners,
        front_ends=front_ends,
        times=busy_times(stored_fields),
        first_keyed=first_keyed,
        first_name_questions=first_questions,
        first_name_marks=first_marks,
        first_counts=counted_patterns(first_whole),
        ownership=ownership,
        votes={
            f"{stem}_votes": history_votes(owned, column, mode)
            for stem, column in histories.items()
        },
        matrix=voiced.drop(*(f"p_{name}" for name in ids)),
        keyed=keyed,
        name_questions=questions,
        name_marks=marks,
        counts=counted_patterns(whole),
        judged=judged,
        habits=payer_habits(tables, judged, families, mode),
        verdicts=verdicts(
            tables,
            judged,
            ibis.table(HABITS, name="habits"),
            families,
            mode,
            has_users=has_users,
            linked=linked,
        ),
        choices=chosen_claims(voiced, tables.verdicts, methods),
    )


def _ownership(
    tables: Tables, judged: ir.Table, families: Sequence[Family], histories: Sequence[str]
) -> ir.Table:
    """The most probable payer of each payment by its own evidence: columns of ``OWNED``.

    Histories left out, no payment can hear its own echo through another one's; the session's word
    left out, a wrong session cannot come back as the history of the card or customer it paid with.
    The histories group
    all payments: what they group by stands beside the owner, so that they join no payments.
    """
    # Halves upwards: engines round a half each in its way.
    millionths = (judged.best_probability * 1_000_000 + 0.5).floor().cast("int64")
    likely = judged.select(
        judged_id="payment_id",
        person_id=ibis.ifelse(
            millionths >= _OWNED_FROM, person_of_best(judged, families), ibis.null(str)
        ),
        millionths=millionths,
    )
    payments = tables.payments
    rows = payments.inner_join(likely, payments.payment_id == likely.judged_id)
    return rows.select(
        "payment_id",
        "created_at",
        *dict.fromkeys(histories),
        "person_id",
        millionths=ibis.ifelse(rows.person_id.notnull(), rows.millionths, ibis.null("int64")),
    )


def _name_owners(tables: Tables) -> ir.Table:
    """``person_id, names`` for the names that several accounts bear."""
    names = tables.user_names
    shared = names.group_by("name_key").agg(name_owners=names.user_id.nunique())
    shared = shared.filter(shared.name_owners > 1)
    several = names.inner_join(shared, "name_key").select("user_id", "name_key")
    persons = tables.persons
    linked = several.left_join(persons, "user_id")
    return owned_names(
        linked.select(
            person_id=ibis.coalesce(persons.person_id, several.user_id),
            name_key=several.name_key,
        )
    )
