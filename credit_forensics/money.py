"""Money as Stripe counts it: reads amounts that people wrote, converts them and shows them.

An amount is an integer of minor units with its currency. How many minor units a currency's unit
has is Stripe's rule, not ISO 4217's, since the amounts are Stripe's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

# https://docs.stripe.com/currencies. ISK and UGX have no decimals any more, but Stripe goes on
# counting them in hundredths (500 is 5 UGX), and MGA it counts in whole ariary. HUF and TWD have
# none in payouts only. A currency that is not here has two.
DECIMALS: Mapping[str, int] = dict.fromkeys(
    "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(),  # noqa: SIM905
    0,
) | dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3)

_NOISE = re.compile(r"[\s'’]|^[A-Za-z]{3}(?=[^A-Za-z])|(?<=[^A-Za-z])[A-Za-z]{3}$|[$€£¥₩₹]")
_AMOUNT = re.compile(r"(-?)(\d[\d.,]*)")


def decimals(currency: str) -> int:
    """Digits after the point of a currency (its ISO code in any case), as Stripe counts them.

    Examples
    --------
    >>> [decimals(code) for code in ("jpy", "EUR", "kwd", "ugx")]
    [0, 2, 3, 2]
    """
    return DECIMALS.get(currency.lower(), 2)


@lru_cache(maxsize=1 << 16)
def minor_units(text: str, currency: str) -> int | None:
    """A written amount in minor units; nothing where it cannot be read without guessing.

    The last separator is the decimal one, unless it repeats or is followed by three digits in a
    currency that has not three: then it separates thousands.

    Examples
    --------
    >>> minor_units("399,00", "eur"), minor_units("1,234.50", "usd"), minor_units("1.234,5", "eur")
    (39900, 123450, 123450)
    >>> minor_units("¥500", "jpy"), minor_units("1,000", "jpy"), minor_units("1.234", "kwd")
    (500, 1000, 1234)
    >>> minor_units("12.345", "usd"), minor_units("about 5", "usd"), minor_units("5,000", "ugx")
    (1234500, None, 500000)
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


def major_units(minor: int, currency: str) -> float:
    """Minor units as major units, for axes; never for sums.

    Examples
    --------
    >>> major_units(1999, "eur")
    19.99
    """
    return float(int(minor) / 10 ** decimals(currency))


def money_text(minor: int, currency: str, *, thousands: str = ",", point: str = ".") -> str:
    """An amount in minor units as a person writes it, exact, with its currency.

    Examples
    --------
    >>> money_text(123456, "eur"), money_text(500000, "ugx")
    ('1,234.56 EUR', '5,000.00 UGX')
    >>> money_text(-5, "usd"), money_text(700, "jpy")
    ('-0.05 USD', '700 JPY')
    """
    places = decimals(currency)
    whole, part = divmod(abs(int(minor)), 10**places)
    text = f"{whole:,}".replace(",", thousands)
    if places:
        text += f"{point}{part:0{places}d}"
    return f"{'-' if minor < 0 else ''}{text} {currency.upper()}".strip()


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
