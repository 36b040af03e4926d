"""Folds e-mails and names once, while loading, so that the core compares for equality.

Engines disagree about case, accents and regular expressions; DuckDB loads whatever engine
resolves later, so it alone decides.
"""

from __future__ import annotations

_TOKENS = (
    "list_filter(string_split_regex(strip_accents(lower(replace(nfc_normalize({0}), 'ß', 'ss'))),"
    " '[^\\p{{L}}\\p{{N}}]+'), lambda token: token <> '')"
)


def email_key(column: str) -> str:
    """SQL that folds an e-mail address: trimmed, lower-case, NFC; empty becomes NULL.

    Parameters
    ----------
    column
        SQL of the text.

    Examples
    --------
    >>> import duckdb
    >>> sql = email_key("' Ada@Example.COM '")
    >>> duckdb.execute(f"SELECT {sql}").fetchall()[0]
    ('ada@example.com',)
    """
    folded = f"lower(trim(nfc_normalize({column})))"
    return f"CASE WHEN contains({folded}, '@') THEN {folded} END"


def name_words(column: str) -> str:
    """SQL that lists the folded words of a name that two people seldom share by chance.

    Latin initials and particles of two letters are left out; other scripts write names in fewer
    letters.

    Examples
    --------
    >>> import duckdb
    >>> sql = name_words("'de la Cruz-Weiß, J. 李雷'")
    >>> duckdb.execute(f"SELECT {sql}").fetchall()[0][0]
    ['cruz', 'weiss', '李雷']
    """
    return (
        f"list_filter({_TOKENS.format(column)}, lambda word: length(word) > 2 "
        "OR NOT regexp_full_match(word, '[a-z0-9]*'))"
    )


def typed_name_key(column: str) -> str:
    """SQL that folds a name as a payer types it, to one key.

    Case, accents, punctuation and order do not count. Two or more whole words give their sorted
    form, so that a middle initial is dropped; one whole word with an initial keeps the initial;
    one word alone is itself.

    Examples
    --------
    >>> import duckdb
    >>> names = ["Müller, Jörg", "JÖRG A. MÜLLER", "J. Müller", "Müller"]
    >>> [duckdb.execute(f"SELECT {typed_name_key(repr(n))}").fetchall()[0][0] for n in names]
    ['jorg muller', 'jorg muller', 'j* muller', 'muller']
    """
    initials = _of_length("tokens", "= 1")
    words = _let(
        "words",
        _of_length("tokens", "> 1"),
        "CASE WHEN len(words) >= 2 THEN array_to_string(list_sort(words), ' ') "
        f"WHEN len(words) = 1 AND len({initials}) >= 1 THEN {initials}[1] || '* ' || words[1] "
        "WHEN len(words) = 1 THEN words[1] END",
    )
    return _let("tokens", _TOKENS.format(column), words)


def account_name_keys(column: str) -> str:
    """SQL that lists every key that an account's name may be typed as.

    Examples
    --------
    >>> import duckdb
    >>> sql = account_name_keys("'Jörg Peter Müller'")
    >>> duckdb.execute(f"SELECT {sql}").fetchall()[0][0][:3]
    ['j* muller', 'j* peter', 'jorg muller']
    >>> len(duckdb.execute(f"SELECT {sql}").fetchall()[0][0])
    8
    """
    whole = "array_to_string(list_sort(words), ' ')"
    outer = "array_to_string(list_sort([words[1], words[-1]]), ' ')"
    # Every word may be the surname, and every other word may shrink to its initial.
    shortened = (
        "flatten(list_transform(words, lambda surname: list_transform("
        "list_filter(words, lambda given: given <> surname), "
        "lambda given: left(given, 1) || '* ' || surname)))"
    )
    keys = _let(
        "words",
        _of_length(_TOKENS.format(column), "> 1"),
        "CASE WHEN len(words) = 0 THEN [] WHEN len(words) = 1 THEN [words[1]] "
        f"ELSE list_concat([{whole}, {outer}], {shortened}) END",
    )
    return f"list_sort(list_distinct({keys}))"


def _of_length(tokens: str, bound: str) -> str:
    return f"list_filter({tokens}, lambda token: length(token) {bound})"


def _let(name: str, value: str, body: str) -> str:
    """SQL of ``body`` with a name for a value: written out at each use, it would be read, planned
    and computed as often.
    """
    return f"list_transform([{value}], lambda {name}: {body})[1]"
