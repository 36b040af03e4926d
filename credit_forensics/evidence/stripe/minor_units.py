"""Amounts as people write them, in major units, to Stripe's integer minor units."""

from __future__ import annotations

import re
from functools import lru_cache

# https://docs.stripe.com/currencies: zero-decimal and three-decimal currencies. ISK and UGX have
# no decimals either, but Stripe's amounts of them count hundredths.
ZERO_DECIMALS = frozenset(
    [
        *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
        *("pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"),
    ]
)
THREE_DECIMALS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])

_NOISE = re.compile(r"[\s'’]|^[A-Za-z]{3}(?=[^A-Za-z])|(?<=[^A-Za-z])[A-Za-z]{3}$|[$€£¥₩₹]")
_AMOUNT = re.compile(r"(-?)(\d[\d.,]*)")


def decimals(currency: str) -> int:
    """Digits after the point of a currency, as Stripe counts them."""
    code = currency.lower()
    return 0 if code in ZERO_DECIMALS else 3 if code in THREE_DECIMALS else 2


@lru_cache(maxsize=1 << 16)
def minor_units(text: str, currency: str) -> int | None:
    """An amount in minor units; nothing where it cannot be read without guessing.

    The last separator is the decimal one, unless it repeats or is followed by three digits in a
    currency that has not three: then it separates thousands.

    Examples
    --------
    >>> minor_units("399,00", "eur"), minor_units("1,234.50", "usd"), minor_units("1.234,5", "eur")
    (39900, 123450, 123450)
    >>> minor_units("1000", "jpy"), minor_units("1,000", "jpy"), minor_units("1.234", "kwd")
    (1000, 1000, 1234)
    >>> minor_units("12.345", "usd"), minor_units("about 5", "usd")
    (1234500, None)
    """
    cleaned = _NOISE.sub("", text.strip())
    if cleaned.startswith("(") and cleaned.endswith(")"):
        cleaned = "-" + cleaned[1:-1]
    match = _AMOUNT.fullmatch(cleaned)
    if match is None or not cleaned.isascii():
        return None
    sign, body = match.groups()
    places = decimals(currency)
    whole, fraction = _split(body, places)
    if not all(group.isdigit() for group in re.split(r"[.,]", whole)):
        return None
    if fraction.strip("0")[places:] or len(fraction.rstrip("0")) > places:
        return None
    digits = re.sub(r"[.,]", "", whole) + fraction[:places].ljust(places, "0")
    value = int(digits)
    if value >= 1 << 53:
        return None
    return -value if sign else value


def _split(body: str, places: int) -> tuple[str, str]:
    position = max(body.rfind("."), body.rfind(","))
    if position < 0:
        return body, ""
    whole, separator, fraction = body[:position], body[position], body[position + 1 :]
    repeats = separator in whole
    other = ("." if separator == "," else ",") in whole
    if repeats or (len(fraction) == 3 and places != 3 and not other):
        return body, ""
    return whole, fraction
