"""Measures from the truth how hard a world is, without calling the model.

The accuracy figures mean nothing on worlds that are too easy; the shares here have limits that the
tests hold (the constants below). Persons are known from the truth, histories are as of the payment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.scenarios.scoring import average_precision
from credit_forensics.scenarios.world import World

Codes = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Persons = Callable[[pd.Series], Codes]
_ID_KEYS = pa.array(["user_id", "user_id_backup", "session_user_id"])


MOST_INDEPENDENT = 0.85
LEAST_MAPPING_AGREES = 1 / 3
MOST_MAJORITY = {0.005: 0.65, 0.03: 0.75}
"""Highest average precision that the majority over families may reach, by wrong-session rate."""


@dataclass(frozen=True)
class Difficulty:
    """Shares of a world; those of the wrong payments say so.

    ``wrong_in_bursts``: lie in a burst. ``wrong_by_household``: of the wrong payments whose payer
    lives with others, those credited to one of them. ``wrong_mapping_agrees``: the customer is
    bound to the wrong user (in the table as it ends up; ``…_as_of``: already at the payment).
    ``wrong_independent``: a mapping that the session did not preset, a typed e-mail or the card's
    history names the payer as of the payment. ``majority_average_precision``: of one vote a family
    (the better of with and without the name).
    """

    payments: int
    wrong_share: float
    preset_share: float
    missing_metadata: float
    email_match: float
    name_equal: float
    accounts_with_shared_name: float
    wrong_in_bursts: float
    wrong_by_household: float
    wrong_mapping_agrees: float
    wrong_mapping_agrees_as_of: float
    wrong_independent: float
    majority_average_precision: float


def measure(world: World) -> Difficulty:
    """Measure a world made by ``make_world``."""
    view = _View(world)
    wrong = view.wrong
    complete = view.payments["status"].eq("complete").to_numpy(bool)
    typed = ~view.preset
    independent = np.zeros(len(wrong), dtype=np.bool_)
    for voice in (view.mapping_as_of_independent, view.typed_email, view.card):
        independent |= voice == view.payer
    household = view.household
    together = wrong & (household.size_of(view.payer) > 1)
    by_household = household.of(view.payer) == household.of(view.credited)
    credited = view.credited >= 0
    return Difficulty(
        payments=len(wrong),
        wrong_share=float(wrong.mean()) if len(wrong) else 0.0,
        preset_share=_share(view.preset, complete),
        missing_metadata=_share(view.session < 0, complete),
        email_match=_share(view.typed_email == view.payer, typed & complete),
        name_equal=_share(view.name_equal, complete),
        accounts_with_shared_name=view.shared_names,
        wrong_in_bursts=_share(view.in_burst, wrong),
        wrong_by_household=_share(by_household, together),
        wrong_mapping_agrees=_share(view.mapping == view.credited, wrong),
        wrong_mapping_agrees_as_of=_share(view.mapping_as_of == view.credited, wrong),
        wrong_independent=_share(independent, wrong),
        majority_average_precision=max(
            average_precision(view.majority(name=name)[credited], wrong[credited])
            for name in (False, True)
        ),
    )


def _share(what: Bools, among: Bools) -> float:
    return float(what[among].mean()) if among.any() else 0.0


class _Households:
    def __init__(self, people: pd.DataFrame, persons: pd.Index) -> None:
        codes = persons.get_indexer(pd.Index(people["person_id"]))
        self._of = np.full(len(persons) + 1, -2, dtype=np.int64)
        self._of[codes] = pd.factorize(people["household_id"])[0]
        first = people.drop_duplicates("person_id")
        sizes = first["household_id"].map(first["household_id"].value_counts())
        self._size = np.ones(len(persons) + 1, dtype=np.int64)
        self._size[persons.get_indexer(pd.Index(first["person_id"]))] = sizes

    def of(self, person: Codes) -> Codes:
        """Household of each person; different negatives never match a real one."""
        return self._of[person]

    def size_of(self, person: Codes) -> Codes:
        """Number of people in each person's household."""
        return self._size[person]


class _View:
    """The voices of a world as person numbers, -1 where there is none."""

    def __init__(self, world: World) -> None:
        self.payments = payments = world.tables["payments"].to_pandas()
        truth = world.truth
        id_person = dict(zip(world.people["user_id"], world.people["person_id"], strict=True))
        every = pd.concat([world.people["person_id"], truth["payer_person_id"]])
        self.persons = pd.Index(every.unique())

        def person(ids: pd.Series) -> Codes:
            mapped = ids.map(id_person).fillna(ids)
            codes: Codes = self.persons.get_indexer(mapped).astype(np.int64)
            return codes

        self.payer = self.persons.get_indexer(truth["payer_person_id"]).astype(np.int64)
        self.credited = person(truth["credited_user_id"])
        self.wrong = truth["wrong"].to_numpy(bool)
        self.in_burst = truth["burst_id"].notna().to_numpy()
        self.household = _Households(world.people, self.persons)
        self.preset = payments["customer_preset"].fillna(False).to_numpy(bool)
        users = world.tables["users"].to_pandas()
        account_person = person(users["user_id"])
        first_of_email = users.assign(person=account_person).drop_duplicates("email")
        emails = first_of_email.set_index("email")["person"]
        email = payments["payer_email"].map(emails).fillna(-1).to_numpy(np.int64)
        self.typed_email = np.where(self.preset, -1, email)
        self._mapping(world, payments, person)
        self._session(world, payments, person, email)
        self._card(payments)
        self._names(payments, users, account_person)

    def _mapping(self, world: World, payments: pd.DataFrame, person: Persons) -> None:
        customers = world.tables["customers"].to_pandas().set_index("customer_id")
        user = payments["customer_id"].map(customers["user_id"])
        bound_at = pd.to_datetime(payments["customer_id"].map(customers["bound_at"]), utc=True)
        self.mapping = person(user)
        at = pd.to_datetime(payments["completed_at"], utc=True)
        before = (bound_at < at).to_numpy(bool)
        self.mapping_as_of = np.where(before, self.mapping, -1)
        self.mapping_as_of_independent = np.where(self.preset, -1, self.mapping_as_of)

    def _session(self, world: World, payments: pd.DataFrame, person: Persons, email: Codes) -> None:
        metadata = world.tables["metadata"]
        keys = pc.is_in(metadata["key"], _ID_KEYS)
        rows = metadata.filter(keys).select(["payment_id", "value"]).to_pandas()
        first = rows.drop_duplicates("payment_id").set_index("payment_id")["value"]
        ids = payments["payment_id"].map(first)
        self.session = person(ids)
        reference = person(payments["client_reference_id"])
        voice = np.where(self.session >= 0, self.session, reference)
        preset = np.where(
            self.preset, np.where(self.mapping_as_of >= 0, self.mapping_as_of, email), -1
        )
        self.session_voice = np.where(voice >= 0, voice, preset)

    def _card(self, payments: pd.DataFrame) -> None:
        """Who leads among the earlier payments of the card: first to reach the most."""
        frame = pd.DataFrame(
            {
                "card": pd.factorize(payments["card_fingerprint"])[0],
                "person": self.credited,
                "at": payments["created_at"],
            }
        )
        rows = frame[(frame["card"] >= 0) & (frame["person"] >= 0)].sort_values(
            ["card", "at"], kind="stable"
        )
        count = rows.groupby(["card", "person"]).cumcount() + 1
        best = count.groupby(rows["card"]).cummax()
        before = best.groupby(rows["card"]).shift(fill_value=0)
        leader = rows["person"].where(count > before).groupby(rows["card"]).ffill()
        earlier = leader.groupby(rows["card"]).shift()
        card = np.full(len(frame), -1, dtype=np.int64)
        card[earlier.index] = earlier.fillna(-1).to_numpy(np.int64)
        self.card = card

    def _names(self, payments: pd.DataFrame, users: pd.DataFrame, person: Codes) -> None:
        accounts = pd.DataFrame({"name": users["name"].str.lower(), "person": person})
        accounts = accounts.drop_duplicates()
        bearers = accounts["name"].value_counts()
        self.shared_names = float((accounts["name"].map(bearers) > 1).mean())
        typed = payments["payer_name"].str.lower()
        self._name_owners = typed.map(bearers).fillna(0).to_numpy(np.int64)
        unique = accounts[accounts["name"].map(bearers) == 1].set_index("name")["person"]
        self.unique_name = typed.map(unique).fillna(-1).to_numpy(np.int64)
        own = dict(zip(users["user_id"], users["name"], strict=True))
        person_name = pd.Series(self.persons).map(own).to_numpy(dtype=object)
        self.name_equal = person_name[self.payer] == payments["payer_name"].to_numpy(dtype=object)

    def majority(self, *, name: bool) -> Reals:
        """1 - the credited person's share of the families' votes, one vote a family."""
        families = [
            self.session_voice,
            self.mapping_as_of_independent,
            self.typed_email,
            self.card,
        ]
        if name:
            families.append(self.unique_name)
        votes = np.zeros(len(self.payer))
        agreeing = np.zeros(len(self.payer))
        for voice in families:
            votes += voice >= 0
            agreeing += (voice >= 0) & (voice == self.credited)
        share: Reals = 1.0 - np.where(votes > 0, agreeing / np.maximum(votes, 1), 1.0)
        return share
