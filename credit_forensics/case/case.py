"""A case: evidence, judgement, findings and incidents, each computed once, or taken as stored."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

import pandas as pd
import pyarrow as pa

from credit_forensics.case.apply_labels import apply_labels
from credit_forensics.case.explain_payments import JudgedTables, explain_payments
from credit_forensics.case.labels import LABEL_FILE, no_labels, read_labels
from credit_forensics.case.lazy_property import cached_property
from credit_forensics.case.manifest import versions
from credit_forensics.case.payment_aliases import payments_of
from credit_forensics.case.stored_case import StoredCase
from credit_forensics.case.write_analysis import write_analysis
from credit_forensics.case_file import CaseFile, read_case_file
from credit_forensics.coverage.judged import Judged
from credit_forensics.coverage.unjoined_tables import unjoined_tables
from credit_forensics.coverage.unknown_worth import unknown_worth
from credit_forensics.did_you_mean import did_you_mean, or_nearest
from credit_forensics.engines.choose import open_engine
from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.handover import bring_back, hand_over
from credit_forensics.engines.parquet import ParquetEngine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.errors import CaseError
from credit_forensics.evidence.complete import finish
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.fold_and_match import prepare
from credit_forensics.evidence.stored.custody import ReadAnew
from credit_forensics.evidence.stored.open import OpenedEvidence, open_case_evidence
from credit_forensics.findings.catalogue import FINDINGS, Examined, examine_with_practices
from credit_forensics.findings.finding import Finding
from credit_forensics.incidents.group import with_incidents
from credit_forensics.incidents.shared_traits import front_ends_of_wrong
from credit_forensics.incidents.timeline import read_timeline
from credit_forensics.incidents.who_is_hit import payments_possibly_hit, users_hit
from credit_forensics.judgement.diagnostics import (
    agree_when_wrong,
    family_accuracies,
    verdict_sensitivity,
)
from credit_forensics.judgement.explanation import Explanation
from credit_forensics.judgement.judge import Basis, Judgement, judge
from credit_forensics.judgement.method_dependence import count_common_errors, method_dependence
from credit_forensics.judgement.used_claims import MethodVoice
from credit_forensics.privacy.mask import Mask, case_mask
from credit_forensics.progress import Progress
from credit_forensics.resolution.claims import CLAIMS_ORDER
from credit_forensics.resolution.history import Mode
from credit_forensics.resolution.method import Method
from credit_forensics.resolution.methods import METHODS, REPLAYS
from credit_forensics.resolution.summary import (
    agreement_matrix,
    count_agreement,
    reference_names,
    summarize_methods,
)
from credit_forensics.store.store import Store
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir


class Case:
    """One case, opened from its file or made from evidence.

    Every property is a pandas DataFrame unless it says otherwise, is computed when first asked
    for, and is then remembered. What is computed of a case that was opened with its store is
    stored there, and taken from there by whoever opens it next.

    Parameters
    ----------
    evidence
        loaded and prepared evidence.
    settings
        the checked case file; defaults without one.
    methods
        methods of one's own, beside the house's.
    findings
        findings of one's own, beside the house's.
    mode
        ``hindsight`` or ``as_of``; the case file's without it.
    left_out
        families to leave out, to see what they contribute.
    basis
        where the evidence is a part of the case's: what was learned of the whole.
    progress
        called with a step's name, its number and how many there are.
    reveal
        show personal data where the case, or an explanation of it, displays itself.
    opened
        where the evidence was opened from a store: that, and what was read of its inputs now.

    Raises
    ------
    CaseError
        for a mode that there is not.
    """

    def __init__(
        self,
        evidence: Evidence,
        settings: CaseFile | None = None,
        *,
        methods: Sequence[Method] = (),
        findings: Sequence[Finding] = (),
        mode: Mode | None = None,
        left_out: Sequence[str] = (),
        basis: Basis | None = None,
        progress: Progress | None = None,
        reveal: bool = False,
        opened: tuple[Store, OpenedEvidence] | None = None,
    ) -> None:
        self.evidence = evidence
        self.settings = settings or CaseFile()
        self.custom_methods = tuple(methods)
        self.catalogue = (*FINDINGS, *findings)
        self.mode: Mode = _checked_mode(mode) or self.settings.analysis.mode
        self.left_out = tuple(left_out)
        self._basis = basis
        self._progress = progress
        self.reveal = reveal
        self.read_anew: tuple[ReadAnew, ...] | None = opened[1].read if opened else None
        self._stored = self._store_of(opened)
        self._judged_here = False

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        methods: Sequence[Method] = (),
        mode: Mode | None = None,
        progress: Progress | None = None,
        reveal: bool = False,
        store: bool = True,
        fresh: bool = False,
    ) -> Case:
        """Read a case file and load its evidence, from the store beside it where that holds.

        Without ``store`` nothing is stored, or taken from there; with ``fresh`` all is read and
        judged anew, and stored in place of what was. The case is the same in each way.

        Raises
        ------
        CaseError
            when the file or its inputs cannot be used; one sentence says why.
        """
        # Before the evidence, which may take minutes to load.
        mode = _checked_mode(mode)
        settings = read_case_file(path)
        evidence, opened = open_case_evidence(settings, progress, store=store, fresh=fresh)
        return cls(
            evidence,
            settings,
            methods=methods,
            mode=mode,
            progress=progress,
            reveal=reveal,
            opened=opened,
        )

    @classmethod
    def from_evidence(
        cls, evidence: Evidence, settings: CaseFile | None = None, **options: Any
    ) -> Case:
        """A case of evidence that was loaded by hand; its derived columns are filled here."""
        settings = settings or CaseFile()
        prepare(evidence, settings.ids.shape, settings.ids.user_keys)
        finish(evidence)
        return cls(evidence, settings, **options)

    @property
    def name(self) -> str:
        """The case's name."""
        return self.settings.name

    @cached_property
    def mask(self) -> Mask:
        """What masks personal data in whatever the case displays, under the reports' own key."""
        return self.masked(reveal=self.reveal)

    def masked(self, *, reveal: bool = False) -> Mask:
        """A mask of this case: it knows which columns of the matrix are ids."""
        names = [method.name for method in (*METHODS, *self.custom_methods)]
        return case_mask(self.evidence, self.settings, reveal=reveal, methods=names)

    @cached_property
    def engine(self) -> Engine:
        """Where the case is judged: the evidence's own DuckDB, or what ``[engine]`` names.

        Another engine is handed the evidence when first asked for.

        Raises
        ------
        CaseError
            when the engine cannot be had.
        """
        other = open_engine(self.settings)
        if other is None:
            return self.evidence.engine
        weakref.finalize(self, other.close)
        hand_over(self.evidence.engine, other)
        return other

    def _store_of(self, opened: tuple[Store, OpenedEvidence] | None) -> StoredCase | None:
        """Where the judgement is stored: nowhere, with methods or families of this case's own."""
        if opened is None or self.custom_methods or self.left_out or self._basis:
            return None
        engine = self.evidence.engine
        assert isinstance(engine, ParquetEngine)
        return StoredCase(opened[0], opened[1].part, engine, self.settings, self.mode)

    @cached_property
    def judgement(self) -> Judgement:
        """The judgement: model, patterns, and what it left on the engine."""
        if self._stored is None:
            return self._judge()
        found = self._stored.judgement()
        if found is not None:
            return found
        with self._stored.judging() as stores:
            # Another process may have judged it while this one waited.
            found = self._stored.judgement() if stores else None
            if found is None:
                found = self._judge()
                if stores:
                    self._stored.put_judgement(found, self._judged_tables(found))
        return found

    def _judge(self) -> Judgement:
        pairs = [
            (first, second)
            for group in self.settings.persons.different
            for index, first in enumerate(group)
            for second in group[index + 1 :]
        ]
        judgement = judge(
            self.engine,
            mode=self.mode,
            custom=self.custom_methods,
            different=pairs,
            basis=self._basis,
            left_out=self.left_out,
            progress=self._progress,
        )
        apply_labels(self.engine, judgement, self.labels)
        if self.engine is not self.evidence.engine:
            bring_back(self.engine, judgement.kept, self.evidence.engine)
        self._judged_here = True
        return judgement

    def _judged_tables(self, judgement: Judgement) -> JudgedTables:
        engine = self.evidence.engine
        return JudgedTables(
            judged=engine.sql(judgement.judged_query),
            claims=engine.sql(judgement.claims_query),
            methods=tuple(
                MethodVoice(method.name, bool(method.history), method.voice)
                for method in judgement.methods
            ),
            fit=judgement.fit,
        )

    @cached_property
    def labels(self) -> pd.DataFrame:
        """Labels that people gave: payment_id, label, stratum, note."""
        # Evidence loaded by hand lies beside no case file, so no labels lie beside it either.
        beside = "folder" in self.settings.model_fields_set
        if not beside:
            return no_labels()
        given = read_labels(self.settings.folder / LABEL_FILE)
        named = self.payments_named(given["payment_id"].tolist())
        given = given.assign(payment_id=pd.Series(named, index=given.index, dtype="str"))
        return given.drop_duplicates("payment_id", keep="last").reset_index(drop=True)

    def payments_named(self, ids: Sequence[str]) -> list[str]:
        """The payment of each id, where an object's id stands for it; else the id itself."""
        known_as = payments_of(self.evidence.connection, ids)
        return [known_as.get(one, one) for one in ids]

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """payment_id, a column a method, then handler_cascade, handler_log and ledger."""
        judgement = self.judgement
        names = [method.name for method in judgement.methods]

        def in_order() -> ir.Table:
            return judgement.matrix.select("payment_id", *names, *REPLAYS).order_by("payment_id")

        return self.evidence.engine.frame(judgement.over("matrix-in-order", in_order))

    @cached_property
    def claims(self) -> pd.DataFrame:
        """The long claims table."""
        judgement = self.judgement
        rows = judgement.over("claims-in-order", lambda: judgement.claims().order_by(CLAIMS_ORDER))
        return self.evidence.engine.frame(rows)

    def claim_batches(self) -> Iterator[pa.RecordBatch]:
        """The claims in order, some at a time, for more of them than memory holds."""
        return self.evidence.engine.ordered(self.judgement.claims_query, CLAIMS_ORDER)

    @cached_property
    def _agreement_counts(self) -> pd.DataFrame:
        judgement = self.judgement
        names = reference_names(judgement.methods)
        counted = judgement.over("agreement", lambda: count_agreement(judgement.matrix, names))
        return self.evidence.engine.frame(counted)

    @cached_property
    def method_summary(self) -> pd.DataFrame:
        """A line a method: coverage, agreement, conflicts, how often it explains the ledger."""
        return summarize_methods(self._agreement_counts, self.judgement.methods)

    @cached_property
    def method_agreement(self) -> pd.DataFrame:
        """Square of the methods: the share of payments on which two of them agree."""
        names = reference_names(self.judgement.methods)
        return agreement_matrix(self._agreement_counts, names)

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One verdict a payment, sorted by payment."""
        self.judgement  # noqa: B018  # the tables must be there
        rows = Recipe("case-verdicts-in-order", lambda: Tables().verdicts.order_by("payment_id"))
        return self.evidence.engine.frame(rows)

    def verdict_batches(self) -> Iterator[pa.RecordBatch]:
        """The verdicts in order, some at a time, for more of them than memory holds."""
        self.judgement  # noqa: B018
        rows = Recipe("case-verdicts", lambda: Tables().verdicts)
        return self.evidence.engine.ordered(rows, ["payment_id"])

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """A row a source: what was read, tied and recognised, and why its silence says nothing."""
        self.judgement  # noqa: B018
        rows = Recipe("case-coverage", lambda: Tables().coverage.order_by("source"))
        return self.evidence.engine.frame(rows)

    @cached_property
    def judged(self) -> Judged:
        """What share of the paid money, the credits and the log was judged (no table)."""
        self.judgement  # noqa: B018
        rows = Recipe("case-judged", lambda: Tables().judged_shares.order_by("subject", "reason"))
        refused = len(self.evidence.custody.rejects())
        return Judged(self.evidence.engine.frame(rows), refused=refused)

    @cached_property
    def verdict_counts(self) -> pd.Series:
        """Payments by verdict, the most frequent first."""
        self.judgement  # noqa: B018

        def counted() -> ir.Table:
            verdicts = Tables().verdicts
            counts = verdicts.group_by("verdict").agg(payments=verdicts.count())
            return counts.order_by(counts.payments.desc(), "verdict")

        frame = self.evidence.engine.frame(Recipe("case-verdict-counts", counted))
        return frame.set_index("verdict")["payments"].astype("int64")

    @cached_property
    def persons(self) -> pd.DataFrame:
        """Ids that share a person; an id that is not there is its own person."""
        self.judgement  # noqa: B018
        rows = Recipe("case-persons", lambda: Tables().persons.order_by("person_id", "user_id"))
        return self.evidence.engine.frame(rows)

    def _frames(
        self, name: str, compute: Callable[[], Mapping[str, pd.DataFrame]]
    ) -> Mapping[str, pd.DataFrame]:
        """Tables as they are stored, else computed; with findings of one's own none is."""
        if self._stored is None or self.catalogue != FINDINGS:
            return compute()
        return self._stored.frames(name, compute)

    @cached_property
    def _examined(self) -> Examined:
        methods = self.judgement.methods

        def run() -> dict[str, pd.DataFrame]:
            # What was judged before lies beside the evidence, whatever engine it was judged on.
            engine = self.engine if self._judged_here else self.evidence.engine
            return examine_with_practices(engine, self.catalogue, methods)._asdict()

        return Examined(**self._frames("findings", run))

    @property
    def findings(self) -> pd.DataFrame:
        """The findings, the gravest first."""
        return self._examined.findings

    @property
    def finding_runs(self) -> pd.DataFrame:
        """A row a finding: whether it ran, and how many it found."""
        return self._examined.runs

    @cached_property
    def _with_incidents(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        def group() -> dict[str, pd.DataFrame]:
            findings, engine = self.findings, self.evidence.engine
            timeline = read_timeline(engine, findings["payment_id"])
            versions = Recipe("front-ends-of-wrong", lambda: front_ends_of_wrong(Tables()))
            marks = engine.frame(versions)
            rows, incidents = with_incidents(findings, timeline, marks)
            return {"findings": rows, "incidents": incidents}

        found = self._frames("incidents", group)
        return found["findings"], found["incidents"]

    @property
    def incidents(self) -> pd.DataFrame:
        """Findings that hang together."""
        return self._with_incidents[1]

    @property
    def findings_by_incident(self) -> pd.DataFrame:
        """The findings, each with its ``incident_id``."""
        return self._with_incidents[0]

    def hit_users(self, incident_id: str) -> pd.DataFrame:
        """Who lost credits in an incident and who got them: see ``who_is_hit.users_hit``.

        Raises
        ------
        CaseError
            when the case has no such incident; the nearest id is named.
        """
        incident = self._incident(incident_id)
        findings = self.findings_by_incident
        return users_hit(findings[findings["incident_id"] == incident["incident_id"]])

    def possibly_hit(self, incident_id: str) -> pd.DataFrame:
        """Payments in doubt that an incident may have hit besides: in its window, sharing its
        traits, and ``ambiguous`` or ``unverifiable``. See ``who_is_hit.payments_possibly_hit``.

        Raises
        ------
        CaseError
            when the case has no such incident; the nearest id is named.
        """
        return payments_possibly_hit(self.evidence.engine, self._incident(incident_id))

    def _incident(self, incident_id: str) -> pd.Series:
        found = self.incidents[self.incidents["incident_id"] == incident_id]
        if found.empty:
            hint = or_nearest(incident_id, self.incidents["incident_id"])
            raise CaseError(f"The case has no incident {incident_id!r}{hint}")
        return found.iloc[0]

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """What a source should have held and did not, what nothing was joined to or priced, and
        the practices for which payments are passed over."""
        unpriced = unknown_worth(self.evidence.engine)
        noted = [self.evidence.custody.gaps(), unjoined_tables(self.coverage), unpriced]
        return pd.concat([*noted, self._examined.practices], ignore_index=True)

    @property
    def rejects(self) -> pd.DataFrame:
        """What could not be read: file, line, reason."""
        return self.evidence.custody.rejects()

    @cached_property
    def model(self) -> dict[str, Any]:
        """The fitted model as plain values: families, levels, accuracies and their support."""
        fit = self.judgement.fit
        families = []
        for index, family in enumerate(fit.families):
            levels = [
                {
                    "level": level.name,
                    "accuracy": round(float(fit.accuracy[index][place]), 6),
                    "voices": round(float(fit.voices[index][place]), 3),
                    "prior": [level.alpha, level.beta],
                }
                for place, level in enumerate(family.levels)
            ]
            families.append({"family": family.name, "levels": levels})
        return {
            "mode": self.mode,
            "identifiable": fit.identifiable,
            "rounds": fit.rounds,
            "calibration": str(self.judgement.calibration),
            "families": families,
            "notes": list(fit.notes),
        }

    @cached_property
    def family_accuracies(self) -> pd.DataFrame:
        """The accuracy of each family and level, with a 95 % interval."""
        return family_accuracies(self.judgement.fit)

    @cached_property
    def agree_when_wrong(self) -> pd.DataFrame:
        """Pairs of families, and how often they are expected to name the same wrong person."""
        judgement = self.judgement
        return agree_when_wrong(judgement.patterns, judgement.cells, judgement.fit)

    @cached_property
    def dependence(self) -> pd.DataFrame:
        """Pairs of methods: what is declared, the errors they share, and what both come to."""
        judgement = self.judgement
        counts = count_common_errors(
            judgement.methods_by_person, judgement.judged, judgement.families, judgement.methods
        )
        frame = self.evidence.engine.frame(counts)
        return method_dependence(frame, judgement.methods, judgement.fit)

    @cached_property
    def sensitivity_counts(self) -> pd.Series:
        """Payments by the families without which their verdict would flip; "" where none would."""
        judgement = self.judgement
        flips = verdict_sensitivity(judgement.patterns, judgement.cells, judgement.fit)
        return flips.assign(n=judgement.cells.count).groupby("flips_without")["n"].sum()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What went in and what was done with it. No wall clock: the same case gives the same."""
        return {
            "name": self.name,
            "versions": versions(),
            "parameters": {
                "mode": self.mode,
                "ids": self.settings.ids.model_dump(),
                "prices": self.settings.model_dump(include={"prices"}, exclude_none=True)["prices"],
                "engine": self.settings.engine.name,
                "methods": [method.name for method in self.judgement.methods],
            },
            **self.evidence.custody.manifest(),
            "rows": {
                name: self.evidence.count(name)
                for name in ("payments", "metadata", "events", "deliveries", "ledger")
            },
            "judged": self.judged.to_dict(),
            "findings_run": self.finding_runs.to_dict("records"),
            "model": self.model,
        }

    def explain(self, payment_id: str) -> Explanation:
        """Why a payment has its verdict.

        Raises
        ------
        CaseError
            when the case has no such payment; the nearest id is named.
        """
        return self.explain_all([payment_id])[0]

    def explain_all(self, payment_ids: Sequence[str]) -> list[Explanation]:
        """Why payments have their verdicts, in the order asked for; raises as ``explain``."""
        return explain_payments(
            self.evidence.connection,
            self._judged_tables(self.judgement),
            payment_ids,
            # The mask's key is made on first use: not before something is shown.
            shown=lambda value: self.mask.user_id(value),  # noqa: PLW0108
        )

    def analyze(self, out: Path | str) -> dict[str, Any]:
        """Write the analysis to a folder and give its summary.

        Writes ``verdicts.parquet``, ``claims.parquet``, ``findings.csv``, ``incidents.csv``,
        ``rejects.csv`` and ``manifest.json``, and their hashes in ``SHA256SUMS``.
        """
        return write_analysis(self, Path(out))

    def __repr__(self) -> str:
        rows = self.evidence.count("payments")
        return f"Case({self.name!r}, {rows:,} payments, mode {self.mode})"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(f"A case has no {name!r}.", name=name, obj=self)
        public = [known for known in dir(self) if not known.startswith("_")]
        if name in public:
            # A property raised it; the property's own message is the one that helps.
            object.__getattribute__(self, name)
        hint = did_you_mean(name, public)
        raise AttributeError(f"A case has no {name!r}; {hint}", name=name, obj=self)


def _checked_mode(mode: Mode | None) -> Mode | None:
    modes = get_args(Mode)
    if mode is None or mode in modes:
        return mode
    raise CaseError(f"There is no mode '{mode}'; {did_you_mean(mode, modes)}")
