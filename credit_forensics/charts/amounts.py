"""Writes minor units of a currency as a person writes them."""

from __future__ import annotations

from collections.abc import Iterable

# Stripe's list of zero-decimal currencies, and ISO 4217's of three decimals.
ZERO_DECIMALS = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()  # noqa: SIM905
)
THREE_DECIMALS = frozenset({"bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"})


def decimals(currency: str) -> int:
    """Decimal places of a currency (lower or upper case ISO code); two where it is not known.

    Examples
    --------
    >>> decimals("jpy"), decimals("EUR"), decimals("kwd")
    (0, 2, 3)
    """
    code = currency.lower()
    return 0 if code in ZERO_DECIMALS else 3 if code in THREE_DECIMALS else 2


def major_units(minor: int, currency: str) -> float:
    """Minor units as major units, for axes; never for sums.

    Examples
    --------
    >>> major_units(1999, "eur")
    19.99
    """
    return float(int(minor) / 10 ** decimals(currency))


def money_text(minor: int, currency: str, *, thousands: str = ",", point: str = ".") -> str:
    """An amount in minor units as text, exact, with its currency.

    Examples
    --------
    >>> money_text(123456, "eur")
    '1,234.56 EUR'
    >>> money_text(-5, "usd"), money_text(700, "jpy")
    ('-0.05 USD', '700 JPY')
    """
    places = decimals(currency)
    whole, part = divmod(abs(int(minor)), 10**places)
    text = f"{whole:,}".replace(",", thousands)
    if places:
        text += f"{point}{part:0{places}d}"
    return f"{'-' if minor < 0 else ''}{text} {currency.upper()}".strip()


def joined(parts: Iterable[str]) -> str:
    """Texts in one line, as amounts of several currencies are shown."""
    return " + ".join(parts)
