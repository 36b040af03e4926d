"""Signatures, seals, tokens, settings, the rate limit: small gates, each tried both ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from credit_forensics.errors import CaseError
from credit_forensics.intake.rate_limit import RateLimit
from credit_forensics.intake.seal import SEALED_KEYS, is_sealed, seal
from credit_forensics.intake.settings import read_intake_settings
from credit_forensics.intake.signature import SignatureRefusedError, verify_signature
from credit_forensics.intake.signed_in import make_user_token, name_of_token, read_user_token
from credit_forensics.scenarios.signing import sign

SECRET = SecretStr("whsec_one")
NOW = 1_756_700_000
KEY = SecretStr("k" * 32)


def test_stripes_own_library_takes_what_the_kit_signs() -> None:
    import time

    now = int(time.time())
    header = sign(b'{"object": "event"}', "whsec_one", now)
    assert stripe.WebhookSignature.verify_header('{"object": "event"}', header, "whsec_one", 300)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "t=,v1=",
        f"t={NOW}",
        "v1=" + "0" * 64,
        f"t={NOW},v0=" + sign(b"{}", "whsec_one", NOW).split("v1=")[1],
        f"t=0{NOW},v1=" + sign(b"{}", "whsec_one", NOW).split("v1=")[1],
        f"t={NOW},v1=ü",
        "t=" + "9" * 5000,
        sign(b"{}", "whsec_one", NOW) + ",v1=" + "0" * 5000,
        # Which time counts must not be a matter of who reads the header.
        f"{sign(b'{}', 'whsec_one', NOW)},t={NOW + 1}",
        f"t={NOW - 9999},{sign(b'{}', 'whsec_one', NOW)}",
        f"{sign(b'{}', 'whsec_one', NOW)}, t ={NOW}",
    ],
)
def test_malformed_headers_are_refused(header: str | None) -> None:
    with pytest.raises(SignatureRefusedError):
        verify_signature(b"{}", header, [SECRET], now=NOW)


def test_one_of_several_signatures_and_secrets_is_enough() -> None:
    good = sign(b"{}", "whsec_one", NOW)
    verify_signature(b"{}", f"{good},v1={'0' * 64}", [SecretStr("whsec_new"), SECRET], now=NOW)


@given(st.text(max_size=40), st.binary(max_size=40))
def test_a_signature_fits_its_body_only(text: str, other: bytes) -> None:
    body = text.encode()
    header = sign(body, "whsec_one", NOW)
    verify_signature(body, header, [SECRET], now=NOW + 299)
    if other != body:
        with pytest.raises(SignatureRefusedError):
            verify_signature(other, header, [SECRET], now=NOW)


@pytest.mark.parametrize("seconds", [300, -300])
def test_the_time_may_lie_as_far_as_the_tolerance_either_way(seconds: int) -> None:
    header = sign(b"{}", "whsec_one", NOW)
    verify_signature(b"{}", header, [SECRET], now=NOW + seconds, tolerance=300)
    with pytest.raises(SignatureRefusedError, match="tolerance"):
        verify_signature(b"{}", header, [SECRET], now=NOW + seconds, tolerance=299)


def test_what_is_not_text_is_refused_even_when_it_is_signed() -> None:
    with pytest.raises(SignatureRefusedError, match="UTF-8"):
        verify_signature(b"\xff", sign(b"\xff", "whsec_one", NOW), [SECRET], now=NOW)


@given(st.dictionaries(st.sampled_from(SEALED_KEYS), st.text(max_size=8)), st.text(max_size=8))
def test_a_seal_holds_only_for_what_was_sealed(changes: dict[str, str], text: str) -> None:
    at = datetime(2025, 9, 1, tzinfo=UTC)
    values = dict.fromkeys(SEALED_KEYS, text) | {"purchase_timestamp": at.isoformat()}
    sealed = values | {"seal": seal(values, KEY)}
    old_key = SecretStr("o" * 32)
    assert is_sealed(sealed, [old_key, KEY], session_created=at) is True
    assert is_sealed(sealed, [old_key], session_created=at) is False
    assert is_sealed(values, [KEY], session_created=at) is None
    changed = sealed | changes
    assert is_sealed(changed, [KEY], session_created=at) is (changed == sealed)
    assert is_sealed(sealed, [KEY], session_created=at + timedelta(hours=2)) is False


def test_a_naive_or_broken_time_breaks_the_seal_without_a_traceback() -> None:
    at = datetime(2025, 9, 1, tzinfo=UTC)
    for told in ("2025-09-01T00:00:00", "yesterday", ""):
        values = dict.fromkeys(SEALED_KEYS, "x") | {"purchase_timestamp": told}
        assert is_sealed(values | {"seal": seal(values, KEY)}, [KEY], session_created=at) is False


def test_tokens_expire_and_cannot_choose_their_algorithm() -> None:
    import base64
    import json

    token = make_user_token("u1", "ada@example.com", KEY, expires_at=NOW + 1)
    assert read_user_token(token, [KEY], now=NOW) is not None
    assert read_user_token(token, [KEY], now=NOW + 1) is None
    assert read_user_token(token, [SecretStr("x" * 32)], now=NOW) is None
    assert read_user_token(token[:-2] + "AA", [KEY], now=NOW) is None
    head, body, _ = token.split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    assert read_user_token(f"{none}.{body}.", [KEY], now=NOW) is None
    assert read_user_token(f"{head}.{body}.", [], now=NOW) is None


def token_with(**claims: object) -> str:
    return make_user_token("u1", "ada@example.com", KEY, expires_at=NOW + 60, **claims)


def test_a_token_is_for_its_audience_only() -> None:
    assert read_user_token(token_with(aud="shop"), [KEY], now=NOW, audience="shop") is not None
    assert read_user_token(token_with(aud=["a", "shop"]), [KEY], now=NOW, audience="shop")
    assert read_user_token(token_with(aud="other"), [KEY], now=NOW, audience="shop") is None
    assert read_user_token(token_with(), [KEY], now=NOW, audience="shop") is None
    assert read_user_token(token_with(aud="shop"), [KEY], now=NOW) is None


def test_a_token_is_of_its_issuer_only() -> None:
    assert read_user_token(token_with(iss="https://us"), [KEY], now=NOW, issuer="https://us")
    assert (
        read_user_token(token_with(iss="https://they"), [KEY], now=NOW, issuer="https://us") is None
    )
    assert read_user_token(token_with(), [KEY], now=NOW, issuer="https://us") is None


def test_clocks_may_differ_by_the_leeway() -> None:
    token = token_with(nbf=NOW)
    for now, leeway, let_in in (
        (NOW + 60, 0, False),
        (NOW + 64, 5, True),
        (NOW + 65, 5, False),
        (NOW - 5, 5, True),
        (NOW - 6, 5, False),
    ):
        assert (read_user_token(token, [KEY], now=now, leeway=leeway) is not None) is let_in


def test_each_key_is_tried_and_another_hash_is_refused() -> None:
    old = SecretStr("o" * 64)
    assert read_user_token(token_with(), [old, KEY], now=NOW) is not None
    claims = {"sub": "u1", "email": "ada@example.com", "exp": NOW + 60}
    other = jwt.encode(claims, old.get_secret_value(), algorithm="HS512")
    assert read_user_token(other, [old], now=NOW) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": ""},
        {"sub": 7},
        {"email": None},
        {"email": ["ada@example.com"]},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"exp": 10**400},
        {"nbf": -(10**400)},
        {"nbf": "0"},
        {"nbf": NOW + 1},
    ],
)
def test_a_token_whose_claims_are_not_as_they_should_be_is_refused(
    claims: dict[str, object],
) -> None:
    told = {"sub": "u1", "email": "ada@example.com", "exp": NOW + 60} | claims
    token = jwt.encode(told, KEY.get_secret_value(), algorithm="HS256")
    assert read_user_token(token, [KEY], now=NOW) is None


@given(st.text(max_size=60))
def test_no_text_is_a_token_or_an_error(text: str) -> None:
    assert read_user_token(text, [KEY], now=NOW) is None
    assert name_of_token(text, {"ada": KEY}) is None


def test_an_empty_token_is_nobodys() -> None:
    assert name_of_token("", {"ada": SecretStr("")}) is None


def test_rate_limit_refills_and_forgets_the_oldest() -> None:
    now = [0.0]
    limit = RateLimit(60, callers=2, clock=lambda: now[0])
    assert all(limit.allows("a") for _ in range(60))
    assert not limit.allows("a")
    now[0] = 1.0
    assert limit.allows("a")
    assert not limit.allows("a")
    assert limit.allows("b")
    assert limit.allows("c")
    assert len(limit._buckets) == 2


SETTINGS = """
database_url = "env:SHOP_DATABASE"
webhook_secrets = ["env:SHOP_WEBHOOK"]
[prices.price_small]
credits = 50
amount = 500
"""


def test_settings_read_secrets_from_the_environment_and_never_show_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "intake.toml"
    path.write_text(SETTINGS)
    with pytest.raises(CaseError, match="SHOP_DATABASE, which is not set"):
        read_intake_settings(path)
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://shop/credits")
    monkeypatch.setenv("SHOP_WEBHOOK", "whsec_very_secret")
    settings = read_intake_settings(path)
    assert settings.database_url == "postgresql+psycopg://shop/credits"
    assert "very_secret" not in repr(settings)
    assert "very_secret" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SETTINGS + "credit = 5\n", "prices.price_small.credit"),
        ('database_url = "sqlite:///x"\nwebhook_secrets = ["whsec_very_secret"]', "PostgreSQL"),
        ('database_url = "postgresql://x"\nwebhook_secrets = []', "webhook_secrets"),
        (
            'database_url = "postgresql://x"\nwebhook_secrets = ["w"]\nseal_keys = ["very_secret"]',
            "at least 32 characters",
        ),
        (
            'database_url = "postgresql://x"\nwebhook_secrets = ["w"]\n[reviewers]\na = "very_secret"',
            "at least 16 characters",
        ),
        ("database_url = ", "cannot be read"),
    ],
)
def test_settings_that_cannot_be_used_say_which_key_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://shop/credits")
    monkeypatch.setenv("SHOP_WEBHOOK", "whsec_very_secret")
    path = tmp_path / "intake.toml"
    path.write_text(text)
    with pytest.raises(CaseError, match=words) as caught:
        read_intake_settings(path)
    assert "very_secret" not in str(caught.value)
    with pytest.raises(CaseError, match="no intake settings"):
        read_intake_settings(tmp_path / "absent.toml")
