"""What a line of any handler is taken to state, and what no line is taken to state."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from log_loading import load, told

from credit_forensics.errors import CaseError
from credit_forensics.evidence.logs.generic_log import masked
from credit_forensics.evidence.logs.generic_wording import understand
from credit_forensics.evidence.logs.message import Line
from credit_forensics.evidence.logs.open import log_paths


def stated(text: str) -> tuple[str | None, str | None, int | None] | None:
    clue = understand(Line(1, None, None, None, (), text, None, {}))
    return None if clue is None else (clue.outcome, clue.user_id, clue.credits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("✅ Added 100 credits to user u-42", ("credited", "u-42", 100)),
        ("Credits added: 100 for user abc123", ("credited", "abc123", 100)),
        ("User 42 credited with 100 tokens", ("credited", "42", 100)),
        ("Updated user 42 balance to 220 credits", ("credited", "42", None)),
        ("Nutzer 77 wurden 100 Credits gutgeschrieben", ("credited", "77", 100)),
        ("100 crédits ajoutés à l'utilisateur 42", ("credited", "42", 100)),
        ("Se añadieron 100 créditos al usuario 42", ("credited", "42", 100)),
        ("Usuário 42 creditado com 100 créditos", ("credited", "42", 100)),
        ("Failed to add credits for user 42", ("handler_error", "42", None)),
        ("Fehler beim Gutschreiben der Credits für Nutzer 77", ("handler_error", "77", None)),
        ("Falha ao creditar usuário 42", ("handler_error", "42", None)),
        ("evt_1ABC already processed, skipping", ("duplicate", None, None)),
        ("Ereignis evt_1ABC bereits verarbeitet", ("duplicate", None, None)),
        ("Événement evt_1ABC déjà traité", ("duplicate", None, None)),
        ("Evento evt_1ABC ya procesado, omitiendo", ("duplicate", None, None)),
        ("Evento evt_1ABC já processado", ("duplicate", None, None)),
        ("Unhandled event type customer.updated", ("ignored", None, None)),
        ("Unhandled invoice: nothing known of in_1Kite22", ("ignored", None, None)),
        ("Unhandled exception in webhook", ("handler_error", None, None)),
        (
            "Webhook Error: No userId in checkout session metadata",
            ("resolution_failed", None, None),
        ),
        ("Kein Benutzer in der Sitzung cs_live_abc123DEF", ("resolution_failed", None, None)),
        ("Utilisateur introuvable : cs_live_abc123DEF", ("resolution_failed", None, None)),
        ("usuario no encontrado cs_live_abc123DEF", ("resolution_failed", None, None)),
        ("Usuário não encontrado cs_live_abc123DEF", ("resolution_failed", None, None)),
        ("Webhook signature verification failed", ("signature_refused", None, None)),
        ("Signaturprüfung fehlgeschlagen", ("signature_refused", None, None)),
        ("User for {CheckoutId} could not be resolved evt_1ABC", ("resolution_failed", None, None)),
        ("evt_1ABC: could not determine holder", ("resolution_failed", None, None)),
        ("Firma del webhook inválida", ("signature_refused", None, None)),
        ("PrismaError: Unique constraint failed on evt_1ABC", ("database_error", None, None)),
        ("Accreditati 100 crediti all'utente 42", ("credited", "42", 100)),
        ("100 credits toegevoegd aan gebruiker 42", ("credited", "42", 100)),
        ("granted 50 to user_42 for evt_1ABC", ("credited", "user_42", 50)),
        ("credited usr_42 with 50 credits", ("credited", "usr_42", 50)),
        ("credits_granted event_id=evt_1ABC user_id=u-42", ("credited", "u-42", None)),
        ("50 krediter tillagda för användare u-42", ("credited", "u-42", 50)),
        ("Fel: användaren hittades inte cs_live_abc123DEF", ("resolution_failed", None, None)),
        ("evt_1ABC allerede behandlet", ("duplicate", None, None)),
        ("u-42 kullanıcısına 50 kredi eklendi", ("credited", None, 50)),
        ("50 kredi eklendi evt_1ABC", ("credited", None, 50)),
        ("Hata: kullanıcı bulunamadı cs_live_abc123DEF", ("resolution_failed", None, None)),
        ("Webhook imzası geçersiz", ("signature_refused", None, None)),
        ("Evento evt_1ABC già elaborato", ("duplicate", None, None)),
        ("user_not_found event_id=evt_1ABC", ("resolution_failed", None, None)),
        ("retry_failed_payments evt_1ABC", (None, None, None)),
        ("charge evt_1ABC failed_attempts=0", (None, None, None)),
        ("Пользователю 42 начислено 100 кредитов", ("credited", "42", 100)),
        ("已为用户 42 增加 100 积分", ("credited", "42", 100)),
        ("ユーザー 42 に 100 クレジットを付与しました", ("credited", "42", 100)),
        ("Utente non trovato nei metadati", ("resolution_failed", None, None)),
        ("Gebruiker niet gevonden voor deze sessie", ("resolution_failed", None, None)),
        ("会话元数据中找不到用户", ("resolution_failed", None, None)),
        ("メタデータにユーザーが見つかりません", ("resolution_failed", None, None)),
        ("No se encontró el usuario en los metadatos", ("resolution_failed", None, None)),
        ("Stripe webhook 签名验证失败", ("signature_refused", None, None)),
        ("Firma del webhook non valida", ("signature_refused", None, None)),
        ("Firma de Stripe no válida", ("signature_refused", None, None)),
        ("事件 evt_1ABC 已处理，跳过", ("duplicate", None, None)),
        ("充值失败 evt_1ABC", ("handler_error", None, None)),
        ("webhook evt_1ABC failed\nKeyError: 'user_id'", ("resolution_failed", None, None)),
        ("stripe webhook: credited 100 to u-42", ("credited", "u-42", 100)),
        # As databases' libraries and Stripe's own put it.
        (
            "No query results for model [App\\Models\\User]. evt_1ABC",
            ("resolution_failed", None, None),
        ),
        ("User matching query does not exist. evt_1ABC", ("resolution_failed", None, None)),
        ("webhook: resolve user: sql: no rows in result set", ("resolution_failed", None, None)),
        ("no firebaseUID in metadata", ("resolution_failed", None, None)),
        ("client_reference_id is null for cs_live_abc123DEF", ("resolution_failed", None, None)),
        ("webhook had no valid signature", ("signature_refused", None, None)),
        ("Timestamp outside the tolerance zone", ("signature_refused", None, None)),
        ("could not serialize access evt_1ABC", ("database_error", None, None)),
        ("topup ok user_id=u-42 credits=100 evt_1ABC", ("credited", "u-42", 100)),
        ("credits granted user_id=42 credits=100 evt_1ABC", ("credited", "42", 100)),
        ("wallet u-42 +100 (evt_1ABC)", ("credited", "u-42", None)),
        ("no handler for charge.updated", ("ignored", None, None)),
        ("price price_1abcXYZ2 not in catalogue cs_live_abc123DEF", ("no_credits", None, None)),
        # An event's own dotted name; a trace's names say nothing against the message.
        ("stripe.hook.no_account", ("resolution_failed", None, None)),
        (
            "evt_1ABC: user not found\n#0 Illuminate\\Database\\Builder->findOrFail()",
            ("resolution_failed", None, None),
        ),
        # A number of the logger's before the word is no amount.
        ("140213 credits +100 user=u-42", ("credited", "u-42", 100)),
        # The name of a type is no word of the handler's, nor is what became of a card.
        ("Received event: invoice.payment_failed (evt_1ABC)", (None, None, None)),
        ("Webhook evt_1ABC: errors: 0", (None, None, None)),
    ],
)
def test_understood(text: str, expected: tuple[str | None, str | None, int | None]) -> None:
    assert stated(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "page rendered in 12 ms",
        "GET /pricing 200 12ms",
        "Adding 100 credits to user 42",
        "Will add 100 credits to user 42",
        "User 42 spent 3 credits",
        "Payment failed for user 42",
        "JWT signature invalid",
        "Error: image not found",
        "User not found",
        "credits added to cart for user u-42",
        "用户 42 登录成功",
        "column in_stock, key cs_id, field evt_type",
    ],
)
def test_not_understood(text: str) -> None:
    assert stated(text) is None


def at(minute: int, text: str) -> str:
    return f"2025-09-01T10:{minute:02d}:00Z {text}\n"


def test_retries_of_one_event_are_deliveries_of_their_own(tmp_path: Path) -> None:
    text = "".join(at(m, "evt_1A: database error: timeout") for m in (0, 5, 30))
    assert told(
        load(tmp_path, text + at(40, "evt_1A: credits granted")), "event_id", "outcome"
    ) == [
        *[("evt_1A", "database_error")] * 3,
        ("evt_1A", "credited"),
    ]


def test_an_end_that_may_be_of_several_deliveries_is_given_to_none(tmp_path: Path) -> None:
    received = "".join(at(0, f"Received checkout.session.completed evt_{n}A") for n in (1, 2))
    evidence = load(tmp_path, received + at(0, "Added 100 credits to user 42"))
    assert told(evidence, "outcome", "resolved_user_id") == [("received", None)] * 2


def test_events_of_other_types_do_not_make_an_end_doubtful(tmp_path: Path) -> None:
    text = "".join(
        at(0, f"Received {kind} (evt_{n}A)")
        for n, kind in enumerate(
            ("charge.succeeded", "checkout.session.completed", "customer.created")
        )
    )
    evidence = load(tmp_path, text + at(0, "Added 100 credits to user 42"))
    assert told(evidence, "event_id", "outcome") == [
        ("evt_0A", "received"),
        ("evt_1A", "credited"),
        ("evt_2A", "received"),
    ]


def test_a_grant_that_names_no_delivery_is_none(tmp_path: Path) -> None:
    assert told(load(tmp_path, at(0, "Added 20 credits to user 42 by admin")), "outcome") == []


def test_interleaved_requests_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    text = (
        at(0, "[r-a1] Received event evt_1A") + at(0, "[r-b2] Received event evt_2B")
        + at(0, "[r-a1] Webhook error: user not found") + at(0, "[r-b2] Added 5 credits to user 7")
    )  # fmt: skip
    assert told(load(tmp_path, text), "event_id", "outcome", "request_id") == [
        ("evt_1A", "resolution_failed", "r-a1"),
        ("evt_2B", "credited", "r-b2"),
    ]


def test_an_error_that_names_nothing_is_of_the_delivery_whose_request_it_is(tmp_path: Path) -> None:
    said = (
        "[r-a1] Received event evt_1A",
        "[r-a1] Couldn't find User",
        "[r-b2] Couldn't find User",
    )
    evidence = load(tmp_path, "".join(at(0, text) for text in said))
    assert told(evidence, "event_id", "outcome") == [("evt_1A", "resolution_failed")]


def test_a_request_that_is_only_said_is_a_delivery_without_a_name(tmp_path: Path) -> None:
    text = at(0, "Request from: https://kites.example/stripe/hook") + at(1, "Request from: /about")
    assert told(load(tmp_path, text), "event_id", "outcome") == [(None, "received")]


def test_what_is_not_understood_is_counted_and_shown_masked(tmp_path: Path) -> None:
    text = at(0, "Received event evt_1A") + at(0, "payment of Ada Lovell <ada@x.org> settled") * 2
    [source] = load(tmp_path, text).custody.inputs
    assert "1 of 3 lines understood by what they name" in source.notes
    assert "not understood: payment of <value> settled (2)" in source.notes
    assert any(note.startswith("pattern to consider: ") for note in source.notes)
    assert "Ada" not in masked("order of Ada Lovell, 'secret' ada@x.org 4711")


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(?P<user_id>(x|x)*y)", r"(.*a){25}"])
def test_own_patterns_that_backtrack_end(tmp_path: Path, pattern: str) -> None:
    load(tmp_path, "a" * 3000 + "x" * 3000 + "!\n", patterns={"credited": pattern})


def test_own_patterns_without_a_bound_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"webhook_log\.patterns\.credited cannot be searched"):
        load(tmp_path, "x\n", patterns={"credited": r"(a)\1(?=b)"})


def test_a_thread_that_takes_one_request_after_another_names_none(tmp_path: Path) -> None:
    lines = ("Received event evt_1A", "Added 40 credits to user 0017")
    text = "".join(at(10 * n + m, f"[exec-1] {lines[m]}") for n in range(2) for m in range(2))
    assert told(load(tmp_path, text), "event_id", "credits") == [("evt_1A", 40)] * 2


def test_a_user_that_two_deliveries_name_is_no_request(tmp_path: Path) -> None:
    # The account's UUID near the beginning of a line looks like a request's id.
    user = "33333333-3333-4333-8333-333333333333"
    text = "".join(
        at(minute, "Ereignis evt_1ABC empfangen (checkout.session.completed)")
        + at(minute, f"100 Credits für Nutzer {user} gutgeschrieben")
        for minute in (0, 1)
    )
    evidence = load(tmp_path, text)
    assert told(evidence, "event_id", "outcome", "resolved_user_id") == [
        ("evt_1ABC", "credited", user), ("evt_1ABC", "credited", user),
    ]  # fmt: skip


def test_an_amount_in_a_field_of_its_own(tmp_path: Path) -> None:
    text = '{"time": "2025-09-01T10:00:00Z", "msg": "credits added", "event_id": "evt_1ABC", '
    text += '"account_id": "u-42", "amount": 100}\n'
    evidence = load(tmp_path, text)
    assert told(evidence, "outcome", "resolved_user_id", "credits") == [("credited", "u-42", 100)]


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CaseError, match="is no file"):
        log_paths("pipe", tmp_path)


EVENT, SESSION = "evt_1S0001AbCdEfGhIj", "cs_live_a10001ZyXwVuTs"
LOGS = {
    "a sentence before its record": (
        f"""[2025-09-01 10:00:00] production.INFO: Stripe webhook {{"id":"{EVENT}","type":"x"}}
[2025-09-01 10:00:01] production.INFO: Crédits ajoutés {{"user_id":"u-42","credits":50,"event":"{EVENT}"}}
[2025-09-01 10:00:10] production.INFO: Stripe webhook {{"id":"{EVENT}2","type":"x"}}
[2025-09-01 10:00:11] production.ERROR: Serialization failure {{"event":"{EVENT}2","n":1}}
""",
        [("credited", "u-42", 50), ("handler_error", None, None)],
    ),
    "an error beside the message": (
        f"""{{"level":"info","ts":1756720800.1,"msg":"stripe event","event_id":"{EVENT}"}}
{{"level":"error","ts":1756720801.2,"msg":"apply credits","event_id":"{EVENT}","error":"pq: deadlock detected"}}
{{"level":"info","ts":1756720810.1,"msg":"stripe event","event_id":"{EVENT}2"}}
{{"level":"info","ts":1756720811.2,"msg":"credits applied","event_id":"{EVENT}2","user":"u-42","credits":50,"error":null}}
""",
        [("database_error", None, None), ("credited", "u-42", 50)],
    ),
    "a result beside the message": (
        f"""{{"time":"2025-09-01T10:00:00Z","msg":"stripe webhook","event":"{EVENT}"}}
{{"time":"2025-09-01T10:00:01Z","msg":"grant result","event":"{EVENT}","success":false,"reason":"no_user"}}
""",
        [("resolution_failed", None, None)],
    ),
    "a refusal soon after a request that ended without words": (
        """{"time":"2025-09-01T10:00:00Z","path":"/api/stripe/webhook","method":"POST","status":500,"msg":"event evt_1S0001AbCd"}
{"time":"2025-09-01T10:00:20Z","path":"/api/stripe/webhook","method":"POST","status":400,"msg":"Webhook Error: Unable to extract timestamp and signatures from header"}
""",
        [("handler_error", None, None), ("signature_refused", None, None)],
    ),
    "a function that ran out of time": (
        f"""2025-09-01T10:00:10.000Z\t8f-2\tINFO\tevent {EVENT} checkout.session.completed
2025-09-01T10:00:13.000Z 8f-2 Task timed out after 3.00 seconds
""",
        [("handler_error", None, None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOGS)
def test_what_stands_beside_the_message_counts(tmp_path: Path, kind: str) -> None:
    text, expected = LOGS[kind]
    assert told(load(tmp_path, text), "outcome", "resolved_user_id", "credits") == expected


def test_a_time_called_dt_is_the_lines(tmp_path: Path) -> None:
    line = '{"dt":"2025-09-01 10:00:00.000000 UTC","message":"stripe evt_1S0001AbCd received"}\n'
    assert str(told(load(tmp_path, line), "received_at")[0][0]) == "2025-09-01 10:00:00+00:00"


@pytest.mark.parametrize(
    ("field", "user"),
    [("customeruserid", "u-42"), ("walletownerid", "u-42"), ("awsaccountid", None)],
)
def test_a_field_names_the_account_by_whose_it_is(field, user):
    line = Line(1, None, None, None, (), "100 credits added for evt_1ABC", None, {field: "u-42"})
    assert understand(line).user_id == user
