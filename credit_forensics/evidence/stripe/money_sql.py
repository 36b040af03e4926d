"""The SQL that makes one row of money out of an intent, its charges, refunds and disputes.

Reads the tables ``merged_…`` of ``snapshots`` and makes the temporary table ``money``, whose key
is the PaymentIntent, or the charge where there was none.
"""

from __future__ import annotations

# An inquiry that was closed, and a dispute that was prevented, took no money.
_HARMLESS_DISPUTES = "('won', 'warning_closed', 'prevented')"

# One row a money object: the PaymentIntent, or the charge of the days before intents.
MONEY_SQL = f"""
CREATE OR REPLACE TEMP TABLE money AS
WITH charge_refunds AS (
    SELECT coalesce(r.payment_intent_id, c.payment_intent_id, r.charge_id) AS money_id,
        sum(r.amount) FILTER (coalesce(r.status, 'succeeded') IN ('succeeded', 'pending'))
            AS refunded
    FROM merged_refunds r LEFT JOIN merged_charges c USING (charge_id)
    -- What a payments export says of refunds counts only where none of them is known itself.
    WHERE NOT starts_with(r.refund_id, 'csv:') OR r.payment_intent_id NOT IN (
        SELECT coalesce(o.payment_intent_id, oc.payment_intent_id)
        FROM merged_refunds o LEFT JOIN merged_charges oc USING (charge_id)
        WHERE coalesce(o.payment_intent_id, oc.payment_intent_id) IS NOT NULL
            AND NOT starts_with(o.refund_id, 'csv:'))
    GROUP BY 1
), charge_disputes AS (
    SELECT coalesce(d.payment_intent_id, c.payment_intent_id, d.charge_id) AS money_id,
        bool_or(coalesce(d.status, '') NOT IN {_HARMLESS_DISPUTES}) AS stands,
        sum(d.amount) FILTER (d.status = 'lost') AS lost
    FROM merged_disputes d LEFT JOIN merged_charges c USING (charge_id)
    -- What a payments export says of a dispute counts only where no dispute itself is known.
    WHERE NOT starts_with(d.dispute_id, 'csv:') OR d.charge_id NOT IN (
        SELECT charge_id FROM merged_disputes
        WHERE charge_id IS NOT NULL AND NOT starts_with(dispute_id, 'csv:'))
    GROUP BY 1
), refund_peaks AS (
    SELECT charge_id, max(amount_refunded) AS peak FROM stripe_charges GROUP BY 1
), failed_refunds AS (
    -- Told by events in whatever order; an export says that it failed, and not when.
    SELECT refund_id, r.charge_id, r.payment_intent_id, r.amount, r.created_at, failed_at
    FROM merged_refunds r LEFT JOIN (
        SELECT refund_id, min(snapshot_at) AS failed_at FROM stripe_refunds
        WHERE status IN ('failed', 'canceled') GROUP BY 1) USING (refund_id)
    WHERE r.status IN ('failed', 'canceled')
), failed_of_charges AS (
    SELECT c.charge_id, f.amount, f.created_at, f.failed_at
    FROM failed_refunds f JOIN merged_charges c ON c.charge_id = f.charge_id
    UNION ALL
    SELECT c.charge_id, f.amount, f.created_at, f.failed_at
    FROM failed_refunds f JOIN merged_charges c
        ON c.payment_intent_id = f.payment_intent_id AND f.charge_id IS NULL
), snapshots_with_failed AS (
    -- What a charge told counts less what was in it and failed since; an undated snapshot is the
    -- latest. In the same second the refund failed after the charge was told.
    SELECT s.rowid AS snapshot, s.charge_id, any_value(s.amount_refunded)
        - coalesce(sum(f.amount) FILTER (s.snapshot_at IS NOT NULL
            AND coalesce(f.created_at <= s.snapshot_at, true)
            AND coalesce(f.failed_at >= s.snapshot_at, true)), 0) AS stands
    FROM stripe_charges s JOIN failed_of_charges f USING (charge_id) GROUP BY ALL
), lowered_peaks AS (
    SELECT charge_id, greatest(max(stands), 0)::BIGINT AS lowered
    FROM snapshots_with_failed GROUP BY 1
), ranked AS (
    -- The charge that took the money stands for the intent; else the last that was tried.
    SELECT coalesce(payment_intent_id, charge_id) AS money_id,
        max(status = 'succeeded' OR (status IS NULL AND paid)) AS succeeded,
        max(status = 'pending') AS pending,
        sum(coalesce(lowered, peak)) AS refunded,
        bool_or(disputed) AS disputed,
        arg_max(charge_id, charge_rank) AS charge_id
    FROM (
        SELECT *, struct_pack(
            s := (status = 'succeeded' OR (status IS NULL AND coalesce(paid, false)))::INT,
            t := coalesce(epoch_us(created_at), 0), i := charge_id) AS charge_rank
        FROM merged_charges LEFT JOIN refund_peaks USING (charge_id)
        LEFT JOIN lowered_peaks USING (charge_id)
    )
    GROUP BY 1
), told AS (
    SELECT money_id, bool_or(lone) AS lone FROM (
        -- Of an intent of which only the metadata are there nothing is known to be paid.
        SELECT payment_intent_id AS money_id, coalesce(created_at IS NOT NULL, false)
            OR status IS NOT NULL OR amount IS NOT NULL AS lone FROM merged_intents
        UNION ALL SELECT money_id, true FROM ranked
        -- A refund alone makes no payment, but the session of its intent must hear of it.
        UNION ALL SELECT money_id, false FROM charge_refunds
        UNION ALL SELECT money_id, false FROM charge_disputes
    )
    WHERE money_id IS NOT NULL GROUP BY 1
)
SELECT told.money_id, told.lone, c.charge_id,
    coalesce(i.created_at, c.created_at) AS created_at,
    coalesce(i.livemode, c.livemode) AS livemode,
    i.status AS intent_status,
    ranked.charge_id IS NOT NULL AS has_charge,
    coalesce(ranked.succeeded, i.status = 'succeeded', false) AS succeeded,
    coalesce(ranked.pending, false) AS pending,
    CASE WHEN ranked.succeeded THEN c.created_at END AS succeeded_at,
    coalesce(i.amount, c.amount) AS amount,
    coalesce(i.currency, c.currency) AS currency,
    coalesce(i.customer_id, c.customer_id) AS customer_id,
    coalesce(c.billing_email, i.receipt_email) AS email,
    c.billing_name AS name,
    c.card_fingerprint,
    -- A refund that failed lowers the charge's cumulative amount again; nothing else does.
    greatest(ranked.refunded, r.refunded) AS amount_refunded,
    d.lost AS amount_disputed,
    coalesce(d.stands, ranked.disputed) AS disputed,
    i.metadata_row AS intent_metadata_row, c.metadata_row AS charge_metadata_row
FROM told
LEFT JOIN merged_intents i ON i.payment_intent_id = told.money_id
LEFT JOIN ranked ON ranked.money_id = told.money_id
LEFT JOIN merged_charges c ON c.charge_id = ranked.charge_id
LEFT JOIN charge_refunds r ON r.money_id = told.money_id
LEFT JOIN charge_disputes d ON d.money_id = told.money_id
"""
