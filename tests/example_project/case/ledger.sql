CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, name TEXT, created_at TEXT);
CREATE TABLE stripe_customers (user_id TEXT, stripe_customer_id TEXT, created_at TEXT);
CREATE TABLE credit_ledger (
    id INTEGER PRIMARY KEY, user_id TEXT, delta INTEGER, reason TEXT, stripe_event_id TEXT,
    created_at TEXT
);
CREATE TABLE user_credits (user_id TEXT PRIMARY KEY, total_credits INTEGER);
INSERT INTO users VALUES
    ('u-ada', 'ada@example.com', 'Ada Holm', '2025-08-01T00:00:00+00:00'),
    ('u-bo', 'bo@example.com', 'Bo Falk', '2025-08-01T00:00:00+00:00');
INSERT INTO credit_ledger VALUES
    (1, 'u-ada', 50, 'stripe_purchase:event_evt_1:payment_cs_live_1', 'evt_1', '2025-09-01T10:00:05+00:00'),
    (2, 'u-bo', 50, 'stripe_purchase:event_evt_2:payment_cs_live_2', 'evt_2', '2025-09-01T11:00:05+00:00'),
    -- Booked twice, before the shop had a unique index; the baseline knows it.
    (3, 'u-bo', 50, 'stripe_purchase:event_evt_2:payment_cs_live_2', 'evt_2', '2025-09-01T11:00:09+00:00'),
    (4, 'u-ada', 50, 'stripe_purchase:event_evt_3:payment_cs_live_3', 'evt_3', '2025-09-01T12:00:05+00:00');
INSERT INTO user_credits VALUES ('u-ada', 100), ('u-bo', 100);
