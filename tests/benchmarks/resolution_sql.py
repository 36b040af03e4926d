"""The analysis written by hand in DuckDB's SQL: what the compiled expressions are measured against.

Same inputs, same statistics, same verdicts and choices. Nothing general is in it: no methods or
families of one's own, no organisations (``memberships``), hindsight only, a ledger that shows what
it does not hold, accounts and links between ids there, and DuckDB's own means where they help
(``arg_max``, ``QUALIFY``, list functions, positional unions). What judged shares and coverage
beside the ledger's time cost is not in it either.
"""

from __future__ import annotations

from credit_forensics.judgement import relations
from credit_forensics.judgement.families import NAME_BOUNDS
from credit_forensics.judgement.front_ends import VERSION_KEYS
from credit_forensics.judgement.pattern_arrays import mark_unit, most_marks, relation_unit

NAMED = "('user_id', 'user_id_backup', 'session_user_id')"
OTHERS = "('intent', 'charge', 'subscription', 'invoice', 'line')"
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
      WHEN source IN {OTHERS} AND key IN {NAMED} THEN 8 END AS place,
    CASE WHEN key IN {EMAILS} THEN email_key WHEN valid THEN user_id END AS value
  FROM (SELECT * REPLACE (coalesce(role, key) AS key) FROM metadata)
  WHERE user_id IS NOT NULL OR email_key IS NOT NULL
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
), together AS (
  SELECT * REPLACE (holding OR (kind = 'other' AND coalesce(sum(delta) FILTER (kind = 'other')
    OVER (PARTITION BY payment_id), 0) = 0) AS holding)
  FROM booked SEMI JOIN several USING (payment_id)
), account AS (
  SELECT payment_id, user_id, coalesce(sum(delta) FILTER (holding), 0)::BIGINT AS net,
    -coalesce(sum(delta) FILTER (kind = 'refund'), 0)::BIGINT AS reversed,
    min(created_at) FILTER (holding AND delta > 0) AS credited_at,
    min(event_id) FILTER (holding AND delta > 0) AS event_id,
    count(*) FILTER (kind = 'purchase' AND delta > 0)
      - count(*) FILTER (kind = 'reversal' AND delta < 0) AS grants
  FROM together GROUP BY ALL
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
), smallest AS (SELECT email_key, min(user_id) AS first_id FROM steady GROUP BY email_key),
typed AS (
  SELECT user_id, min(email_key) AS email_key FROM (
    SELECT coalesce(m1, reference) AS user_id, payer_email_key AS email_key
    FROM h_fields WHERE NOT prefilled
  ) WHERE user_id IS NOT NULL AND email_key IS NOT NULL
    AND user_id NOT IN (SELECT user_id FROM users WHERE user_id IS NOT NULL)
    AND user_id NOT IN (SELECT user_id FROM ledger WHERE user_id IS NOT NULL)
  GROUP BY user_id HAVING count(DISTINCT email_key) = 1 AND count(*) > 1
)
SELECT DISTINCT * FROM (
  SELECT user_id, account_id AS linked_user_id, 'account_email' AS reason, 0.9::DOUBLE AS strength
  FROM users JOIN emails USING (email_key) WHERE accounts > 1
  UNION ALL SELECT user_id, coalesce(account_id, first_id), 'session_email', 0.7
  FROM steady LEFT JOIN emails USING (email_key) LEFT JOIN smallest USING (email_key)
  UNION ALL SELECT user_id, account_id, 'sign_in', 0.8 FROM sign_ins JOIN emails USING (email_key)
  UNION ALL SELECT user_id, account_id, 'typed_email', 0.6 FROM typed JOIN emails USING (email_key)
  UNION ALL SELECT user_id, linked_user_id, reason, strength FROM user_links
) WHERE user_id <> linked_user_id
"""

_IDS = ("m1", "m2", "m3", "reference", "scanned", "session_email", "intent", "mapped",
        "payer_email", "payer_name", "ledger")  # fmt: skip
_PERSON = ", ".join(f"coalesce(j_{name}.person_id, {name}) AS p_{name}" for name in _IDS)
_PERSON_JOINS = " ".join(
    f"LEFT JOIN h_persons j_{name} ON j_{name}.user_id = {name}" for name in _IDS
)
# What the session was given is its own word, unless it contradicts the ids in the same session.
_WORDS = ("p_m1", "p_m2", "p_m3", "p_reference", "p_session_email", "p_intent")


def _apart(given: str) -> str:
    return f"(coalesce({', '.join(_WORDS)}) IS NOT NULL AND NOT coalesce({given} IN ({', '.join(_WORDS)}), false))"


MATRIX = f"""
CREATE OR REPLACE TABLE h_matrix AS
WITH emails AS (
  SELECT email_key AS key, min(user_id) AS user_id,
    CASE WHEN count(*) = count(created_at) THEN min(created_at) - INTERVAL 1 DAY END AS since
  FROM users WHERE email_key IS NOT NULL GROUP BY 1
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
), began AS (
  SELECT customer_id, min(created_at) AS began FROM payments
  WHERE customer_id IS NOT NULL GROUP BY 1
), intervals AS (
  SELECT bindings.*, coalesce(began <= bound_at, false) AS echo, coalesce(lead(bound_at) OVER (PARTITION BY customer_id ORDER BY bound_at),
    TIMESTAMPTZ '2262-01-01') AS until FROM bindings LEFT JOIN began USING (customer_id)
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
    CASE WHEN n.name_owners = 1 THEN n.user_id END AS payer_name, b.user_id AS mapped, b.echo,
    l.user_id AS log_user_id, CASE l.method WHEN 'PRIMARY_METADATA' THEN 'metadata_user_id'
      WHEN 'BACKUP_METADATA' THEN 'metadata_user_id_backup'
      WHEN 'SESSION_METADATA' THEN 'metadata_session_user_id'
      WHEN 'DATABASE_LOOKUP' THEN 'customer_mapping' WHEN 'EMAIL_MATCH' THEN 'payer_email'
      WHEN 'EMAIL_LOOKUP' THEN 'payer_email' ELSE CASE
        WHEN starts_with(l.method, 'EMERGENCY_SCAN_') THEN 'metadata_scan'
        ELSE lower(l.method) END END AS log_method,
    c.credited_user_id AS ledger
  FROM h_fields f
  LEFT JOIN emails e ON e.key = f.payer_email_key AND coalesce(e.since <= f.created_at, true)
  LEFT JOIN emails s ON s.key = f.session_email_key AND coalesce(s.since <= f.created_at, true)
  LEFT JOIN names n ON n.key = f.payer_name_key
  LEFT JOIN intervals b ON b.customer_id = f.customer_id AND b.bound_at < f.created_at
    AND f.created_at <= b.until
  LEFT JOIN log l ON l.payment_id = f.payment_id
  LEFT JOIN h_credited c ON c.payment_id = f.payment_id
), named AS (SELECT joined.*, coalesce(m1, m2, m3, mapped, scanned) AS cascade,
  CASE WHEN m1 IS NOT NULL THEN 'metadata_user_id'
    WHEN m2 IS NOT NULL THEN 'metadata_user_id_backup'
    WHEN m3 IS NOT NULL THEN 'metadata_session_user_id'
    WHEN mapped IS NOT NULL THEN 'customer_mapping'
    WHEN scanned IS NOT NULL THEN 'metadata_scan' END AS cascade_method,
  coalesce(m1, m2, m3, reference) AS session_user_id, {_PERSON}
FROM joined {_PERSON_JOINS}
), compared AS (
  SELECT *, mapped IS NOT NULL AND {_apart("p_mapped")} AS apart_mapped,
    payer_email IS NOT NULL AND {_apart("p_payer_email")} AS apart_email FROM named
)
SELECT c.* EXCLUDE (apart_mapped, apart_email) REPLACE (
  preset AND NOT (apart_mapped AND a.user_id IS NOT NULL) AS preset,
  prefilled AND NOT (apart_email AND a.user_id IS NOT NULL) AS prefilled)
FROM compared c LEFT JOIN (SELECT DISTINCT user_id FROM users) a ON a.user_id = CASE
  WHEN apart_mapped OR apart_email
  THEN coalesce(m1, m2, m3, reference, session_email, intent) END
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
_VERSION = " + ".join(
    f"ascii(r[{place}]) * {weight}"
    for place, weight in enumerate((7919, 6841, 5867, 4861, 3911, 2969, 2003, 1103), start=1)
)
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
    key += f" + mark * {mark_unit(len(FAMILIES))}"
    return f"""
    SELECT s.*, {key} AS pattern,
      greatest(coalesce((floor(epoch(created_at))::BIGINT - start) // width, 0), 0)::BIGINT AS period
    FROM (SELECT *, {", ".join(slots)} FROM {source}) s {" ".join(joins)} CROSS JOIN h_periods
    """


FRONT_ENDS = f"""
CREATE OR REPLACE TABLE h_front_ends AS
WITH named AS (
  SELECT payment_id, min(value) AS version FROM metadata
  WHERE source = 'session' AND value <> ''
    AND regexp_replace(lower(key), '[_ -]', '', 'g') IN {VERSION_KEYS}
  GROUP BY payment_id
), numbered AS (
  SELECT version, (length(version) + {_VERSION}) % {most_marks(len(FAMILIES)) - 1} + 1 AS mark
  FROM (SELECT DISTINCT version, right(version, 8) AS r FROM named)
)
SELECT payment_id, mark FROM named JOIN numbered USING (version)
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
e AS (
  SELECT payment_id, created_at, session_user_id, p_ledger AS credited, payer_name_key, name_owners,
    preset, CASE WHEN NOT preset AND NOT coalesce(echo, false) THEN p_mapped END AS binding,
    coalesce(said, p_scanned) AS v_session,
    CASE WHEN said IS NULL AND p_scanned IS NOT NULL THEN 5 WHEN first_said IS NULL THEN 0
      WHEN differing > 0 THEN 3 WHEN speaking > 1 THEN 2 ELSE 1 END AS l_session,
    CASE WHEN NOT prefilled THEN p_payer_email END AS v_email,
    (NOT prefilled AND p_payer_email IS NOT NULL)::INT AS l_email,
    p_payer_name AS v_name,
    CASE WHEN name_owners IS NULL THEN 0 {_NAME_LEVEL} ELSE {len(NAME_BOUNDS) + 1} END AS l_name
  FROM d
), voices AS (
  SELECT e.* REPLACE (
      CASE WHEN translated THEN credited ELSE v_session END AS v_session,
      CASE WHEN translated THEN 4 ELSE l_session END AS l_session),
    binding AS v_mapping, (binding IS NOT NULL)::INT AS l_mapping, NULL::VARCHAR AS v_card,
    0 AS l_card, coalesce(mark, 0) AS mark
  FROM (
    SELECT e.*, coalesce(v_session <> credited, false) AND s.user_id IS NULL
      AND c.user_id IS NOT NULL AS translated
    FROM e
    LEFT JOIN (SELECT DISTINCT user_id FROM users) s ON s.user_id = CASE
      WHEN v_session <> credited THEN coalesce(session_user_id, v_session) END
    LEFT JOIN (SELECT DISTINCT user_id FROM users) c ON c.user_id = CASE
      WHEN v_session <> credited THEN credited END
  ) e LEFT JOIN h_front_ends USING (payment_id)
)
{_keys("voices")}
"""

_TOTAL_PLACE = " ".join(f"WHEN further + owns >= {bound} THEN {place}"
                        for place, bound in reversed([*enumerate(relations.TOTAL_BOUNDS, start=1)])
                        )  # fmt: skip
_CODE = relations.code
_NONE = _CODE(0, 0, 0)


def related(name: str) -> str:
    """SQL of what is known of payers whom the session does not name, and of accounts many name."""
    return f"""
    CREATE OR REPLACE TABLE h_{name}_relations AS
    WITH known AS MATERIALIZED (
      SELECT *, payer = account AS own, payer <> account AND session = account AS apart FROM (
        SELECT payment_id, created_at AS made, coalesce(v_session, credited) AS account,
          v_session AS session, credited,
          coalesce(v_email, CASE WHEN name_owners = 1 THEN v_name END, v_card) AS payer
        FROM h_{name}
      ) WHERE credited IS NOT NULL AND payer IS NOT NULL AND made IS NOT NULL
    ), apart AS MATERIALIZED (SELECT * FROM known WHERE apart), paying AS (
      SELECT DISTINCT payer FROM apart
    ), owning AS (
      SELECT DISTINCT account FROM known SEMI JOIN (SELECT account FROM apart) USING (account)
      WHERE own
    ), all_payers AS (
      SELECT count(DISTINCT payer) AS payers,
        (SELECT count(*) FROM paying) AS paying_others FROM known
    ), rows AS (
      SELECT *, min(made) OVER pair AS pair_first, max(made) OVER pair AS pair_last,
        row_number() OVER in_pair AS place,
        max(made) FILTER (own) OVER (PARTITION BY payer ORDER BY made, payment_id) AS own_last,
        lag(made) OVER (PARTITION BY payer, own ORDER BY made, payment_id) AS before
      FROM known SEMI JOIN paying USING (payer) WHERE own OR apart
      WINDOW pair AS (PARTITION BY payer, account),
        in_pair AS (PARTITION BY payer, account ORDER BY made, payment_id)
    ), by_pair AS (
      SELECT payer, account, coalesce(bool_or(own_last > pair_first), false) AS between
      FROM rows GROUP BY ALL
    ), by_payer AS (
      SELECT payer, count(DISTINCT account) FILTER (NOT own) AS accounts, count(*) FILTER (own) AS owns,
        max(made) FILTER (NOT own) >= min(made) FILTER (NOT own) + INTERVAL 1 DAY AS apart_days,
        count(*) FILTER (NOT own AND NOT coalesce(made < before + INTERVAL 12 HOUR, false)) AS sittings
      FROM rows GROUP BY payer
    ), told AS (
      SELECT payment_id, place, o.account IS NOT NULL AS account_own, owns,
        q.payer IS NOT NULL AND (place = 1 OR 2 * paying_others >= payers) AS mutual,
        pair_last >= pair_first + INTERVAL 1 DAY AS again, between OR (accounts > 1 AND apart_days)
          AS others,
        greatest(CASE WHEN apart_days THEN greatest(sittings - 1, 1) ELSE 0 END,
          CASE WHEN accounts >= 3 THEN accounts - 1 ELSE 0 END) AS further
      FROM rows r JOIN by_pair USING (payer, account) JOIN by_payer USING (payer)
      LEFT JOIN owning o ON o.account = r.account LEFT JOIN paying q ON q.payer = r.account
      CROSS JOIN all_payers WHERE NOT own
    ), pairs AS (SELECT DISTINCT account, payer FROM apart), by_account AS (
      SELECT account, count(*) AS payers, sum(count(*)) OVER () AS all_pairs,
        count(*) OVER () AS accounts
      FROM pairs GROUP BY account
    ), many AS (
      SELECT account FROM by_account
      WHERE payers >= 4 + 4 * ((all_pairs - payers) / greatest(accounts - 1, 1))
    )
    SELECT payment_id, sum(relation)::BIGINT * {relation_unit(len(FAMILIES))} AS marks FROM (
      SELECT payment_id, {_NONE} + mutual::BIGINT * {relations.MUTUAL}
        + CASE WHEN again AND others THEN {relations.AGAIN_AND_OTHERS} WHEN NOT again
          THEN {relations.ONCE} WHEN account_own THEN {relations.STUCK} ELSE {relations.AGAIN} END
          * {_CODE(0, 0, 1) - _NONE}
        + CASE {_TOTAL_PLACE} ELSE 0 END * {_CODE(0, 1, 0) - _NONE}
        + CASE WHEN further < {relations.SEVERAL} THEN further WHEN further >= owns
          THEN {relations.SEVERAL + 1} ELSE {relations.SEVERAL} END
        AS relation
      FROM told
      UNION ALL
      SELECT payment_id, {relations.UNSHARED} FROM h_{name} JOIN many ON v_session = many.account
    ) GROUP BY payment_id
    """


def whole(name: str) -> str:
    """SQL of the voices with their relations in their patterns."""
    return f"""
    CREATE OR REPLACE VIEW h_{name}_whole AS
    SELECT v.* REPLACE (pattern + coalesce(marks, 0) AS pattern)
    FROM h_{name} v LEFT JOIN h_{name}_relations USING (payment_id)
    """


_BEST = " ".join(f"WHEN {index} THEN v_{family}" for index, family in enumerate(FAMILIES))
OWNERS = f"""
CREATE OR REPLACE TABLE h_owners AS
SELECT * FROM (
  SELECT payment_id, CASE best {_BEST} END AS person_id,
    floor(best_probability * 1000000 + 0.5)::BIGINT AS millionths
  FROM h_first_whole JOIN h_first_posteriors USING (period, pattern)
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
        NULL AS second_weight, NULL AS third_weight, weight, payments
      FROM by_person ANTI JOIN shared USING (key)
      UNION ALL
      SELECT key, max(person_id) FILTER (place = 1), max(weight) FILTER (place = 1),
        max(person_id) FILTER (place = 2), max(weight) FILTER (place = 2),
        max(weight) FILTER (place = 3), sum(weight)::BIGINT, sum(payments)::BIGINT
      FROM ranked GROUP BY key
    ), rest AS (
      SELECT payment_id, first, second, payments - (person_id IS NOT NULL)::INT AS n,
        first_weight - CASE WHEN person_id = first THEN millionths ELSE 0 END AS first_left,
        coalesce(second_weight, 0)
          - CASE WHEN person_id = second THEN millionths ELSE 0 END AS second_left,
        coalesce(third_weight, 0) AS third_left, weight - coalesce(millionths, 0) AS weight_left
      FROM keyed JOIN best USING (key)
    )
    SELECT payment_id, CASE WHEN second_left > first_left THEN second ELSE first END AS person_id,
      n, greatest(first_left, second_left)::DOUBLE / weight_left AS purity
    FROM rest
    WHERE n > 0 AND greatest(first_left, second_left)
      > greatest(least(first_left, second_left), third_left)
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
), judged AS (
  SELECT *, CASE best {_BEST} END AS likely
  FROM h_second_whole JOIN h_posteriors USING (period, pattern)
), apart AS MATERIALIZED (
  SELECT payment_id, credited, likely, burst FROM judged
  WHERE v_session = credited AND likely <> credited AND misattributed + patron >= 0.9
), patrons AS (
  SELECT payment_id, CASE WHEN accounts >= 3 THEN 0.9::DOUBLE ELSE 0.25::DOUBLE END AS habit
  FROM apart JOIN (
    SELECT likely, count(DISTINCT credited) AS accounts, count(*) AS n FROM apart GROUP BY likely
  ) USING (likely) JOIN (
    SELECT credited, count(DISTINCT likely) AS payers FROM apart GROUP BY credited
  ) USING (credited) LEFT JOIN (
    SELECT likely, count(*) AS own FROM judged WHERE likely = credited GROUP BY likely
  ) USING (likely)
  WHERE (SELECT count(DISTINCT likely) FROM apart) < 10
    AND (accounts >= 3 OR (n <= 2 AND payers = 1 AND burst < 0.2 AND coalesce(own, 0) < 3))
), spoken AS MATERIALIZED (
  SELECT payment_id, likely, v_session IS NULL AS silent, patron >= 0.5 AS other FROM judged
  SEMI JOIN (SELECT DISTINCT likely FROM judged WHERE patron >= 0.5) USING (likely)
), unnamed AS (
  SELECT payment_id, others / (all_spoken + 1) AS for_others FROM spoken JOIN (
    SELECT likely, count(*) FILTER (other AND NOT silent) AS others,
      count(*) FILTER (NOT silent) AS all_spoken
    FROM spoken GROUP BY likely
  ) USING (likely) WHERE silent AND others > 0
), typed AS MATERIALIZED (
  SELECT payment_id, credited, available = 1 AS alone, v_email IS NULL AS mail, l_name = 0 AS name,
    coalesce(v_email = credited, false) OR coalesce(v_name = credited, false) AS known
  FROM judged JOIN payments y USING (payment_id)
  WHERE v_session = credited AND payer_email IS NOT NULL AND NOT coalesce(email_prefilled, false)
    AND judged.payer_name_key IS NOT NULL
), of_known AS MATERIALIZED (
  SELECT * FROM typed SEMI JOIN (SELECT credited FROM typed WHERE known) USING (credited)
), failing AS (
  SELECT n_both, n_both - expected - 2 * sqrt(expected + 1) AS beyond, most FROM (
    SELECT 2 * count(*) FILTER (NOT mail AND NOT name) > count(*) AS most, count(*) FILTER (mail AND name) AS n_both, count(*) FILTER (mail AND NOT name)
      * count(*) FILTER (name AND NOT mail) / greatest(count(*) FILTER (NOT mail AND NOT name), 1)
      AS expected
    FROM of_known
  )
), strangers AS (
  SELECT payment_id, 0.5 * beyond / n_both AS strange FROM of_known CROSS JOIN failing
  WHERE alone AND mail AND name AND beyond > 0 AND most
), suspects AS (
  SELECT DISTINCT payment_id FROM ledger
  WHERE tie = 'inferred' AND kind = 'purchase' AND payment_id IS NOT NULL
), rows AS (
  SELECT v.payment_id, v.credited, v.misattributed AS p, v.patron, v.log_odds, v.agreeing,
    v.available, v.independent, v.likely, c.credited_user_id, c.credited_user_id IS NOT NULL AS credit,
    coalesce(v.likely = v.credited, false) AS same, coalesce(for_others, strange) AS elsewhere,
    coalesce(v.v_session = v.credited, false) AS by_session,
    s.payment_id IS NOT NULL AS suspect, n.payment_id IS NOT NULL AS patron_payment,
    n.habit AS often,
    coalesce(y.payment_status = 'paid'
      OR (y.payment_status = 'no_payment_required' AND y.for_credits = 'yes'), false)
      AND coalesce(y.livemode, true) AS paid,
    coalesce(y.for_credits, 'yes') AS for_credits, coalesce(y.for_recipient, false) AS named,
    coalesce(y.amount_lost, 0) >= greatest(coalesce(y.amount, 1), 1) AS returned,
    coalesce(coalesce(y.completed_at, v.created_at) BETWEEN lo AND hi, false) AS covered,
    CASE WHEN a.user_id IS NOT NULL AND v.v_session = v.credited THEN v.session_user_id
      ELSE v.credited END AS counting
  FROM judged v JOIN payments y USING (payment_id)
  LEFT JOIN h_credited c USING (payment_id) LEFT JOIN suspects s USING (payment_id)
  LEFT JOIN patrons n USING (payment_id) LEFT JOIN unnamed USING (payment_id)
  LEFT JOIN strangers USING (payment_id)
  LEFT JOIN (SELECT DISTINCT user_id FROM users) a ON a.user_id = v.session_user_id
  CROSS JOIN span
), told AS (
  SELECT *, same AND coalesce(counting <> credited_user_id, false) AS split,
    likely IS NOT NULL AND NOT same AND NOT suspect AS accusable,
    coalesce(often, 0) * p AS habit FROM rows
), moved AS (
  SELECT * REPLACE (q AS p, CASE WHEN q <> p THEN ln(q / (1 - q)) ELSE log_odds END AS log_odds)
  FROM (
    SELECT *, CASE WHEN patron_payment THEN p - habit WHEN same AND elsewhere IS NOT NULL
      THEN p + (1 - p) * elsewhere ELSE p END AS q
    FROM told
  )
)
SELECT payment_id, CASE WHEN NOT credit AND NOT paid THEN 'not_paid'
    WHEN NOT credit AND for_credits = 'no' THEN 'not_for_credits'
    WHEN NOT credit AND (returned OR NOT covered OR for_credits = 'probably not')
      THEN 'undetermined'
    WHEN NOT credit THEN 'not_credited'
    WHEN split AND p < 0.5 AND NOT suspect THEN 'split_identity'
    WHEN available = 0 THEN 'unresolved' WHEN available = 1 THEN 'unverifiable'
    WHEN named AND by_session AND accusable THEN 'paid_by_another'
    WHEN named AND NOT by_session AND same THEN 'ambiguous'
    WHEN p >= 0.9 AND accusable THEN 'misattributed'
    WHEN p + patron + habit >= 0.9 AND accusable THEN 'paid_by_another'
    WHEN p <= 0.02 AND independent >= 2 AND same AND available - agreeing < 2 THEN 'confirmed'
    WHEN p <= 0.02 AND agreeing >= 2 AND independent < 2 AND same THEN 'unverifiable'
    ELSE 'ambiguous' END AS verdict,
  credited_user_id, CASE WHEN same THEN counting ELSE likely END AS rightful_user_id,
  CASE WHEN credit THEN p END AS probability_misattributed,
  CASE WHEN credit THEN log_odds END AS log_odds, agreeing AS families_agreeing,
  available AS families_available, 'hindsight' AS mode
FROM moved
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
TIMES = """
WITH placed AS (
  SELECT floor(epoch(created_at))::BIGINT AS moment FROM payments WHERE created_at IS NOT NULL
), quarters AS (SELECT quantile_cont(moment, 0.25) AS low, quantile_cont(moment, 0.75) AS high FROM placed),
near AS (
  SELECT moment FROM placed, quarters
  WHERE moment BETWEEN low - greatest(10 * (high - low), 2592000)
    AND high + greatest(10 * (high - low), 2592000)
)
SELECT min(moment), max(moment), count(*),
  floor((quantile_cont(moment, 0.95) - quantile_cont(moment, 0.05)) / 0.9)::BIGINT FROM near
"""
