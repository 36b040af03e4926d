"""The analysis written by hand in DuckDB's SQL: what the compiled expressions are measured against.

Same inputs, same statistics, same verdicts and choices. Nothing general is in it: no methods or
families of one's own, hindsight only, accounts and links between ids there, and DuckDB's own means
where they help (``arg_max``, ``QUALIFY``, list functions, positional unions).
"""

from __future__ import annotations

from credit_forensics.judgement.families import NAME_BOUNDS

NAMED = "('user_id', 'user_id_backup', 'session_user_id')"
EMAILS = "('session_email', 'user_email', 'account_email')"
FAMILIES = ("session", "mapping", "email", "card", "name")

_PLACES = " ".join(
    f"WHEN '{key}' THEN {place}"
    for place, key in enumerate(
        ("user_id", "user_id_backup", "session_user_id",
         "session_email", "user_email", "account_email"), start=1
    )
)  # fmt: skip
FIELDS = f"""
CREATE OR REPLACE TABLE h_fields AS
WITH placed AS (
  SELECT payment_id, position, CASE WHEN source = 'session' THEN CASE key {_PLACES} ELSE 7 END
      WHEN source IN ('intent', 'charge') AND key IN {NAMED} THEN 8 END AS place,
    CASE WHEN key IN {EMAILS} THEN email_key WHEN valid THEN user_id END AS value
  FROM metadata WHERE user_id IS NOT NULL OR email_key IS NOT NULL
), wide AS (
  SELECT payment_id, max(value) FILTER (place = 1) AS m1, max(value) FILTER (place = 2) AS m2,
    max(value) FILTER (place = 3) AS m3, max(value) FILTER (place = 4) AS e1,
    max(value) FILTER (place = 5) AS e2, max(value) FILTER (place = 6) AS e3,
    arg_min(value, position) FILTER (place = 7) AS scanned,
    max(value) FILTER (place = 8) AS intent
  FROM placed WHERE payment_id IS NOT NULL AND place IS NOT NULL AND value IS NOT NULL GROUP BY 1
)
SELECT p.payment_id, p.created_at, p.customer_id, p.payer_email_key, p.payer_name_key,
  p.card_fingerprint, coalesce(p.customer_preset, p.customer_id IS NOT NULL) AS preset,
  coalesce(p.email_prefilled, false) AS prefilled, m1, m2, m3, intent, scanned,
  coalesce(e1, e2, e3) AS session_email_key,
  CASE WHEN p.reference_valid THEN p.reference_user_id END AS reference
FROM payments p LEFT JOIN wide USING (payment_id)
"""

CREDITED = """
CREATE OR REPLACE TABLE h_credited AS
WITH booked AS NOT MATERIALIZED (
  SELECT payment_id, user_id, delta, kind, event_id, created_at,
    kind IN ('purchase', 'reversal', 'correction', 'grant', 'transfer') AS holding
  FROM ledger WHERE payment_id IS NOT NULL
), several AS MATERIALIZED (
  SELECT payment_id FROM ledger WHERE payment_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1
), alone AS (
  SELECT *, CASE WHEN holding THEN coalesce(delta, 0) ELSE 0 END AS net
  FROM booked ANTI JOIN several USING (payment_id)
), account AS (
  SELECT payment_id, user_id, coalesce(sum(delta) FILTER (holding), 0)::BIGINT AS net,
    -coalesce(sum(delta) FILTER (kind = 'refund'), 0)::BIGINT AS reversed,
    min(created_at) FILTER (holding AND delta > 0) AS credited_at,
    min(event_id) FILTER (holding AND delta > 0) AS event_id,
    count(*) FILTER (kind = 'purchase' AND delta > 0)
      - count(*) FILTER (kind = 'reversal' AND delta < 0) AS grants
  FROM booked SEMI JOIN several USING (payment_id) GROUP BY ALL
), ranked AS (
  SELECT *, row_number() OVER (
    PARTITION BY payment_id ORDER BY net DESC, credited_at NULLS LAST, user_id NULLS LAST) AS place
  FROM account
)
SELECT payment_id, CASE WHEN net > 0 THEN user_id END AS credited_user_id,
  CASE WHEN net > 0 THEN created_at END AS credited_at,
  CASE WHEN net > 0 THEN event_id END AS event_id, greatest(net, 0) AS credits, net AS granted,
  CASE WHEN kind = 'refund' THEN -coalesce(delta, 0) ELSE 0 END AS reversed,
  (coalesce(kind = 'purchase', false) AND net > 0)::BIGINT AS grants, (net > 0)::BIGINT AS accounts
FROM alone
UNION ALL
SELECT payment_id, max(user_id) FILTER (place = 1 AND net > 0),
  max(credited_at) FILTER (place = 1 AND net > 0), max(event_id) FILTER (place = 1 AND net > 0),
  greatest(coalesce(max(net) FILTER (place = 1), 0), 0), sum(net)::BIGINT, sum(reversed)::BIGINT,
  greatest(sum(grants), 0)::BIGINT, count(*) FILTER (net > 0)
FROM ranked GROUP BY payment_id
"""

LINKS = """
WITH emails AS (
  SELECT email_key, min(user_id) AS account_id, count(DISTINCT user_id) AS accounts
  FROM users WHERE email_key IS NOT NULL GROUP BY email_key
), steady AS (
  SELECT user_id, min(email_key) AS email_key FROM (
    SELECT coalesce(m1, reference) AS user_id, session_email_key AS email_key FROM h_fields
  ) WHERE user_id IS NOT NULL AND email_key IS NOT NULL
    AND user_id NOT IN (SELECT user_id FROM users WHERE user_id IS NOT NULL)
  GROUP BY user_id HAVING count(DISTINCT email_key) = 1
), smallest AS (SELECT email_key, min(user_id) AS first_id FROM steady GROUP BY email_key)
SELECT DISTINCT * FROM (
  SELECT user_id, account_id AS linked_user_id, 'account_email' AS reason, 0.9::DOUBLE AS strength
  FROM users JOIN emails USING (email_key) WHERE accounts > 1
  UNION ALL SELECT user_id, coalesce(account_id, first_id), 'session_email', 0.7
  FROM steady LEFT JOIN emails USING (email_key) LEFT JOIN smallest USING (email_key)
  UNION ALL SELECT user_id, account_id, 'sign_in', 0.8 FROM sign_ins JOIN emails USING (email_key)
  UNION ALL SELECT user_id, linked_user_id, reason, strength FROM user_links
) WHERE user_id <> linked_user_id
"""

_IDS = ("m1", "m2", "m3", "reference", "scanned", "session_email", "intent", "mapped",
        "payer_email", "payer_name", "ledger")  # fmt: skip
_PERSON = ", ".join(f"coalesce(j_{name}.person_id, {name}) AS p_{name}" for name in _IDS)
_PERSON_JOINS = " ".join(
    f"LEFT JOIN h_persons j_{name} ON j_{name}.user_id = {name}" for name in _IDS
)
MATRIX = f"""
CREATE OR REPLACE TABLE h_matrix AS
WITH emails AS (
  SELECT email_key AS key, min(user_id) AS user_id FROM users WHERE email_key IS NOT NULL GROUP BY 1
), names AS (
  SELECT name_key AS key, count(DISTINCT user_id) AS name_owners, min(user_id) AS user_id
  FROM user_names GROUP BY 1
), known AS (
  SELECT customer_id, user_id, bound_at FROM customers
  WHERE customer_id IS NOT NULL AND user_id IS NOT NULL
), first_payment AS (
  SELECT customer_id, min(created_at) AS at FROM payments
  SEMI JOIN (SELECT customer_id FROM known WHERE bound_at IS NULL) USING (customer_id) GROUP BY 1
), bindings AS (
  SELECT customer_id, bound_at, min(user_id) AS user_id FROM (
    SELECT customer_id, user_id, bound_at FROM known WHERE bound_at IS NOT NULL
    UNION ALL SELECT k.customer_id, k.user_id, f.at
    FROM known k LEFT JOIN first_payment f USING (customer_id) WHERE k.bound_at IS NULL
  ) GROUP BY ALL HAVING min(user_id) = max(user_id)
), intervals AS (
  SELECT *, coalesce(lead(bound_at) OVER (PARTITION BY customer_id ORDER BY bound_at),
    TIMESTAMPTZ '2262-01-01') AS until FROM bindings
), delivered AS NOT MATERIALIZED (
  SELECT payment_id, resolved_user_id, method, outcome, received_at, event_id, source_line
  FROM deliveries WHERE payment_id IS NOT NULL AND resolved_user_id IS NOT NULL
), redelivered AS MATERIALIZED (
  SELECT payment_id FROM delivered GROUP BY 1 HAVING count(*) > 1
), log AS (
  SELECT payment_id, resolved_user_id AS user_id, method
  FROM delivered ANTI JOIN redelivered USING (payment_id)
  UNION ALL
  SELECT payment_id, resolved_user_id, method FROM delivered SEMI JOIN redelivered USING (payment_id)
  QUALIFY row_number() OVER (PARTITION BY payment_id
    ORDER BY coalesce(outcome = 'credited', false) DESC,
    received_at NULLS LAST, event_id NULLS LAST, source_line NULLS LAST) = 1
), joined AS (
  SELECT f.*, e.user_id AS payer_email, s.user_id AS session_email, n.name_owners,
    CASE WHEN n.name_owners = 1 THEN n.user_id END AS payer_name, b.user_id AS mapped,
    l.user_id AS log_user_id, CASE l.method WHEN 'PRIMARY_METADATA' THEN 'metadata_user_id'
      WHEN 'BACKUP_METADATA' THEN 'metadata_user_id_backup'
      WHEN 'SESSION_METADATA' THEN 'metadata_session_user_id'
      WHEN 'DATABASE_LOOKUP' THEN 'customer_mapping' WHEN 'EMAIL_MATCH' THEN 'payer_email'
      WHEN 'EMAIL_LOOKUP' THEN 'payer_email' ELSE CASE
        WHEN starts_with(l.method, 'EMERGENCY_SCAN_') THEN 'metadata_scan'
        ELSE lower(l.method) END END AS log_method,
    c.credited_user_id AS ledger
  FROM h_fields f
  LEFT JOIN emails e ON e.key = f.payer_email_key
  LEFT JOIN emails s ON s.key = f.session_email_key
  LEFT JOIN names n ON n.key = f.payer_name_key
  LEFT JOIN intervals b ON b.customer_id = f.customer_id AND b.bound_at < f.created_at
    AND f.created_at <= b.until
  LEFT JOIN log l ON l.payment_id = f.payment_id
  LEFT JOIN h_credited c ON c.payment_id = f.payment_id
)
SELECT joined.*, coalesce(m1, m2, m3, mapped, scanned) AS cascade,
  CASE WHEN m1 IS NOT NULL THEN 'metadata_user_id'
    WHEN m2 IS NOT NULL THEN 'metadata_user_id_backup'
    WHEN m3 IS NOT NULL THEN 'metadata_session_user_id'
    WHEN mapped IS NOT NULL THEN 'customer_mapping'
    WHEN scanned IS NOT NULL THEN 'metadata_scan' END AS cascade_method,
  coalesce(m1, m2, m3, reference) AS session_user_id, {_PERSON}
FROM joined {_PERSON_JOINS}
"""

BEARERS = """
CREATE OR REPLACE TABLE h_bearers AS
SELECT DISTINCT coalesce(p.person_id, n.user_id) AS person_id, n.name_key
FROM user_names n SEMI JOIN (
  SELECT name_key FROM user_names GROUP BY name_key HAVING count(DISTINCT user_id) > 1
) s USING (name_key) LEFT JOIN h_persons p USING (user_id)
"""

_COPIES = ("p_m1", "p_m2", "p_m3", "p_reference", "p_session_email", "p_intent", "preset_mapped",
           "prefilled_email")  # fmt: skip
_SPEAKING = " + ".join(f"({copy} IS NOT NULL)::INT" for copy in _COPIES)
_DIFFERING = " + ".join(f"coalesce(({copy} <> first_said)::INT, 0)" for copy in _COPIES)
_OTHER = ", ".join(f"CASE WHEN {copy} <> first_said THEN {copy} END" for copy in _COPIES)
_OTHERS = " + ".join(f"coalesce(({copy} = other_said)::INT, 0)" for copy in _COPIES)
_NAME_LEVEL = " ".join(
    f"WHEN name_owners <= {bound} THEN {level}" for level, bound in enumerate(NAME_BOUNDS, start=1)
)


def _keys(source: str) -> str:
    """SQL that gives each row of voices its pattern and period."""
    slots = []
    for index, family in enumerate(FAMILIES):
        same = " ".join(
            f"WHEN v_{family} = v_{FAMILIES[earlier]} THEN {earlier + 1}"
            for earlier in range(index)
        )
        slots.append(
            f"CASE WHEN v_{family} IS NULL THEN 0 {same} ELSE {index + 1} END AS s_{family}"
        )
    credited = " ".join(
        f"WHEN credited = v_{family} THEN {index + 1}" for index, family in enumerate(FAMILIES)
    )
    slots.append(
        f"CASE WHEN credited IS NULL THEN 0 {credited} ELSE {len(FAMILIES) + 1} END AS s_credited"
    )
    marks, joins = [], []
    for index, name in enumerate((*FAMILIES, "credited"), start=1):
        person = "credited" if name == "credited" else f"v_{name}"
        joins.append(
            f"LEFT JOIN h_bearers b{index} ON s_{name} = {index} AND name_owners > 1 "
            f"AND b{index}.person_id = {person} AND b{index}.name_key = payer_name_key"
        )
        alone = f"(name_owners = 1 AND s_{name} = {index} AND {person} = v_name)"
        marks.append(f"(b{index}.person_id IS NOT NULL OR coalesce({alone}, false))::BIGINT")
    key = "s_credited::BIGINT"
    for family in reversed(FAMILIES):
        key = f"(({key}) * 8 + l_{family}) * {len(FAMILIES) + 2} + s_{family}"
    for mark in [marks[-1], *reversed(marks[:-1])]:
        key = f"({key}) * 2 + {mark}"
    return f"""
    SELECT s.*, {key} AS pattern,
      greatest(coalesce((floor(epoch(created_at))::BIGINT - start) // width, 0), 0)::BIGINT AS period
    FROM (SELECT *, {", ".join(slots)} FROM {source}) s {" ".join(joins)} CROSS JOIN h_periods
    """


FIRST = f"""
CREATE OR REPLACE TABLE h_first AS
WITH a AS (
  SELECT *, CASE WHEN preset THEN p_mapped END AS preset_mapped,
    CASE WHEN prefilled THEN p_payer_email END AS prefilled_email FROM h_matrix
), b AS (SELECT *, coalesce({", ".join(_COPIES)}) AS first_said FROM a),
c AS (SELECT *, {_SPEAKING} AS speaking, {_DIFFERING} AS differing,
  coalesce({_OTHER}) AS other_said FROM b),
d AS (SELECT *, CASE WHEN {_OTHERS} > speaking - differing THEN other_said ELSE first_said END
  AS said FROM c),
voices AS (
  SELECT payment_id, created_at, session_user_id, p_ledger AS credited, payer_name_key, name_owners,
    preset, CASE WHEN NOT preset THEN p_mapped END AS binding,
    coalesce(said, p_scanned) AS v_session,
    CASE WHEN said IS NULL AND p_scanned IS NOT NULL THEN 4 WHEN first_said IS NULL THEN 0
      WHEN differing > 0 THEN 3 WHEN speaking > 1 THEN 2 ELSE 1 END AS l_session,
    CASE WHEN NOT preset THEN p_mapped END AS v_mapping,
    (NOT preset AND p_mapped IS NOT NULL)::INT AS l_mapping,
    CASE WHEN NOT prefilled THEN p_payer_email END AS v_email,
    (NOT prefilled AND p_payer_email IS NOT NULL)::INT AS l_email,
    NULL::VARCHAR AS v_card, 0 AS l_card, p_payer_name AS v_name,
    CASE WHEN name_owners IS NULL THEN 0 {_NAME_LEVEL} ELSE {len(NAME_BOUNDS) + 1} END AS l_name
  FROM d
)
{_keys("voices")}
"""

_BEST = " ".join(f"WHEN {index} THEN v_{family}" for index, family in enumerate(FAMILIES))
OWNERS = f"""
CREATE OR REPLACE TABLE h_owners AS
SELECT * FROM (
  SELECT payment_id, CASE best {_BEST} END AS person_id,
    floor(best_probability * 1000000 + 0.5)::BIGINT AS millionths
  FROM h_first JOIN h_first_posteriors USING (period, pattern)
) WHERE person_id IS NOT NULL AND millionths >= 500000
"""


def votes(name: str, key: str) -> str:
    """SQL of whom the other payments of a card or a customer belong to."""
    return f"""
    CREATE OR REPLACE TABLE h_{name}_votes AS
    WITH keyed AS MATERIALIZED (
      SELECT payment_id, {key} AS key, person_id, millionths
      FROM payments LEFT JOIN h_owners USING (payment_id) WHERE {key} IS NOT NULL
    ), by_person AS MATERIALIZED (
      SELECT key, person_id, sum(millionths)::BIGINT AS weight, count(*) AS payments
      FROM keyed WHERE person_id IS NOT NULL GROUP BY ALL
    ), shared AS MATERIALIZED (SELECT key FROM by_person GROUP BY 1 HAVING count(*) > 1),
    ranked AS (
      SELECT *, row_number() OVER (PARTITION BY key ORDER BY weight DESC, person_id) AS place
      FROM by_person SEMI JOIN shared USING (key)
    ), best AS (
      SELECT key, person_id AS first, weight AS first_weight, NULL AS second,
        NULL AS second_weight, weight, payments
      FROM by_person ANTI JOIN shared USING (key)
      UNION ALL
      SELECT key, max(person_id) FILTER (place = 1), max(weight) FILTER (place = 1),
        max(person_id) FILTER (place = 2), max(weight) FILTER (place = 2),
        sum(weight)::BIGINT, sum(payments)::BIGINT
      FROM ranked GROUP BY key
    ), rest AS (
      SELECT payment_id, first, second, payments - (person_id IS NOT NULL)::INT AS n,
        first_weight - CASE WHEN person_id = first THEN millionths ELSE 0 END AS first_left,
        coalesce(second_weight, 0)
          - CASE WHEN person_id = second THEN millionths ELSE 0 END AS second_left,
        weight - coalesce(millionths, 0) AS weight_left
      FROM keyed JOIN best USING (key)
    ), chosen AS (
      SELECT *, (second_left > first_left) OR (second_left = first_left AND second < first)
        AS overtaken FROM rest
    )
    SELECT payment_id, CASE WHEN overtaken THEN second ELSE first END AS person_id, n,
      (CASE WHEN overtaken THEN second_left ELSE first_left END)::DOUBLE / weight_left AS purity
    FROM chosen
    WHERE n > 0 AND CASE WHEN overtaken THEN second_left ELSE first_left END > 0
    """


SECOND = f"""
CREATE OR REPLACE TABLE h_second AS
WITH heard AS (
  SELECT f.* EXCLUDE (pattern, period, {", ".join(f"s_{n}" for n in (*FAMILIES, "credited"))}),
    CASE WHEN NOT preset THEN u.person_id END AS history, u.n AS customer_n,
    u.purity AS customer_purity, c.person_id AS card, c.n AS card_n, c.purity AS card_purity
  FROM h_first f LEFT JOIN h_customer_votes u USING (payment_id)
  LEFT JOIN h_card_votes c USING (payment_id)
), voices AS (
  SELECT * REPLACE (
    coalesce(history, binding) AS v_mapping,
    CASE WHEN history IS NULL AND binding IS NULL THEN 0 WHEN history IS NULL THEN 1
      WHEN customer_purity < 0.9 OR history <> binding THEN 5 WHEN binding IS NOT NULL THEN 2
      WHEN customer_n > 1 THEN 4 ELSE 3 END AS l_mapping,
    card AS v_card,
    CASE WHEN card IS NULL THEN 0 WHEN card_purity < 0.9 THEN 3 WHEN card_n > 1 THEN 2
      ELSE 1 END AS l_card)
  FROM heard
)
{_keys("voices")}
"""

VERDICTS = f"""
CREATE OR REPLACE TABLE h_verdicts AS
WITH span AS (
  SELECT min(first_at) AS lo, max(last_at) AS hi FROM spans WHERE source = 'ledger'
), rows AS (
  SELECT v.payment_id, v.credited, p.misattributed, p.log_odds, p.agreeing, p.available,
    CASE best {_BEST} END AS best, c.credited_user_id,
    coalesce(y.payment_status = 'paid', false) AND coalesce(y.livemode, true) AS paid,
    coalesce(y.amount_lost, 0) >= coalesce(y.amount, 1) AS returned,
    coalesce(coalesce(y.completed_at, v.created_at) BETWEEN lo AND hi, false) AS covered
  FROM h_second v JOIN h_posteriors p USING (period, pattern) JOIN payments y USING (payment_id)
  LEFT JOIN h_credited c USING (payment_id) CROSS JOIN span
), judged AS (
  SELECT *, credited_user_id IS NOT NULL AS credit, coalesce(best = credited, false) AS same,
    coalesce(best = credited, false) AND coalesce(credited <> credited_user_id, false) AS split
  FROM rows
)
SELECT payment_id, CASE WHEN NOT credit AND NOT paid THEN 'not_paid'
    WHEN NOT credit AND (returned OR NOT covered) THEN 'undetermined'
    WHEN NOT credit THEN 'not_credited' WHEN split AND misattributed < 0.5 THEN 'split_identity'
    WHEN available = 0 THEN 'unresolved' WHEN available = 1 THEN 'unverifiable'
    WHEN misattributed >= 0.9 AND best IS NOT NULL AND NOT same THEN 'misattributed'
    WHEN misattributed <= 0.02 AND agreeing >= 2 AND same THEN 'confirmed'
    ELSE 'ambiguous' END AS verdict,
  credited_user_id, best AS rightful_user_id,
  CASE WHEN credit THEN misattributed END AS probability_misattributed,
  CASE WHEN credit THEN log_odds END AS log_odds, agreeing AS families_agreeing,
  available AS families_available, 'hindsight' AS mode
FROM judged
"""

_METHODS = {
    "metadata_user_id": "m1", "metadata_user_id_backup": "m2", "metadata_session_user_id": "m3",
    "client_reference_id": "reference", "metadata_scan": "scanned",
    "session_email": "session_email", "intent_metadata": "intent", "customer_mapping": "mapped",
    "customer_history": "customer_history", "payer_email": "payer_email",
    "payer_name": "payer_name", "card_history": "card_history",
}  # fmt: skip
_EXPLAINS = " ".join(f"WHEN {column} = ledger THEN '{name}'" for name, column in _METHODS.items())
_RIGHT = ", ".join(
    f"CASE WHEN {column if 'history' in column else f'p_{column}'} = rightful THEN ',{name}' END"
    for name, column in _METHODS.items()
)
CHOICES = f"""
CREATE OR REPLACE TABLE h_choices AS
SELECT payment_id, log_method, log_user_id, cascade_method, cascade AS cascade_user_id,
  CASE WHEN log_user_id = ledger THEN log_method WHEN cascade = ledger THEN cascade_method
    {_EXPLAINS} END AS explaining_method,
  nullif(substr(concat({_RIGHT}), 2), '') AS correct_methods
FROM (
  SELECT m.*, v.rightful_user_id AS rightful, u.person_id AS customer_history,
    c.person_id AS card_history
  FROM h_matrix m JOIN (SELECT * FROM h_verdicts WHERE credited_user_id IS NOT NULL) v
    USING (payment_id)
  LEFT JOIN h_customer_votes u USING (payment_id) LEFT JOIN h_card_votes c USING (payment_id)
)
"""
COUNTS = "SELECT period, pattern, count(*) AS payments FROM {} GROUP BY ALL ORDER BY ALL"
