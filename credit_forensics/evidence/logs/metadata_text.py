"""Reads metadata as logs show it: JSON, Python ``repr``, and JavaScript ``inspect``."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_LONGEST = 64 << 10
_DEEPEST = 60
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)
    | (?P<ref><ref\ \*\d+>)
    | (?P<special>\[(?:Object|Array|Circular|Function|Getter|Symbol)[^\]\n]*\])
    | (?P<mark>[{}\[\],:+])
    | (?P<more>\.\.\.\ ?\d+\ more\ [a-z]+)
    | (?P<word>[^\s{}\[\],:'"`]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_DECODER = json.JSONDecoder()
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\n": ""}


def parse_metadata(text: str) -> dict[str, str]:
    """The entries of a metadata object, in order, all as text; nested values as JSON.

    Stripe's metadata are flat strings. What is cut off midway gives the entries before the cut;
    what is no object gives none.

    Examples
    --------
    >>> parse_metadata('{"user_id": "00123", "credits": "50"}')
    {'user_id': '00123', 'credits': '50'}
    >>> parse_metadata("{'user_id': '00123', 'note': None}")
    {'user_id': '00123', 'note': ''}
    >>> parse_metadata("{ userId: 'a', plan: { id: 7 }, 'x-y': undefined }")
    {'userId': 'a', 'plan': '{"id": 7}', 'x-y': ''}
    >>> parse_metadata('{"user_id": "00123", "cred')
    {'user_id': '00123'}
    """
    found = parse_object(text)
    if set(map(type, found.values())) <= {str} and "\\ud" not in text.lower():
        return found
    return {str(key): _as_text(value) for key, value in found.items()}


def parse_object(text: str) -> dict[str, Any]:
    """An object as JSON, Python or JavaScript writes it; values keep their types.

    Examples
    --------
    >>> parse_object("{ userId: 'a', credits: 50, ok: true }")
    {'userId': 'a', 'credits': 50, 'ok': True}
    """
    text = text.strip()[:_LONGEST]
    if not text.startswith("{"):
        return {}
    try:
        # What follows the object on further lines is not part of it.
        value = _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value
    # Deep nesting is no metadata, and would exhaust the stack of a recursive parser.
    if _depth(text) > _DEEPEST:
        return _salvage(text)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        value = None
    if isinstance(value, dict):
        return {str(key): entry for key, entry in value.items()}
    try:
        return _Inspect(text).object()
    except (ValueError, IndexError):
        return _salvage(text)


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in re.finditer(r"[\[{(\]})]", text):
        depth += 1 if match[0] in "[{(" else -1
        deepest = max(deepest, depth)
    return deepest


def _tokens(text: str) -> list[tuple[str, str]]:
    """The words and marks of an object, up to the first place that is none."""
    found: list[tuple[str, str]] = []
    at = 0
    # Text without an end stops the reading, so that the time stays linear.
    while (match := _TOKEN.match(text, at)) is not None:
        group = match.lastgroup or ""
        found.append((group, match[group]))
        at = match.end()
    return found


def _salvage(text: str) -> dict[str, Any]:
    """The pairs of quoted text before a cut."""
    tokens = _tokens(text)
    found: dict[str, Any] = {}
    for (kind, key), (_, mark), (value_kind, value) in zip(
        tokens, tokens[1:], tokens[2:], strict=False
    ):
        if kind in ("string", "word") and mark == ":" and value_kind == "string":
            found.setdefault(_unquoted(key) if kind == "string" else key, _unquoted(value))
    return found


class _Inspect:
    """A reader of what ``console.log`` prints for an object."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def object(self) -> dict[str, Any]:
        """The object that the text begins with."""
        self._expect("{")
        found: dict[str, Any] = {}
        while True:
            group, token = self._next()
            if token == "}" and group == "mark":
                return found
            if group == "more" or (group == "mark" and token == ","):
                continue
            if group not in ("string", "word"):
                raise ValueError("no key")
            key = _unquoted(token) if group == "string" else token
            self._expect(":")
            found[key] = self._value()

    def _value(self) -> Any:
        group, token = self._peek()
        if group == "ref":
            self._at += 1
            group, token = self._peek()
        if group == "mark" and token == "{":
            return self.object()
        if group == "mark" and token == "[":
            return self._array()
        self._at += 1
        if group == "special":
            return token
        if group == "string":
            value = _unquoted(token)
            # Long text is broken into 'a' + 'b'.
            while self._at < len(self._tokens) and self._tokens[self._at] == ("mark", "+"):
                self._at += 1
                value += _unquoted(self._next()[1])
            return value
        if group != "word":
            raise ValueError("no value")
        return _plain(self._words(token))

    def _words(self, token: str) -> str:
        """Values like ``Headers`` or ``2025-09-01T14:39:07.000Z`` hold several tokens."""
        words = [token]
        while self._at < len(self._tokens):
            group, following = self._tokens[self._at]
            if group != "word" and not (group == "mark" and following in ":+"):
                break
            words.append(following)
            self._at += 1
        return "".join(words)

    def _array(self) -> list[Any]:
        self._expect("[")
        found: list[Any] = []
        while True:
            group, token = self._peek()
            if group == "mark" and token == "]":
                self._at += 1
                return found
            if group == "more" or (group == "mark" and token == ","):
                self._at += 1
                continue
            found.append(self._value())

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expect(self, mark: str) -> None:
        if self._next() != ("mark", mark):
            raise ValueError(f"no {mark}")


def _plain(word: str) -> Any:
    if word in ("null", "undefined", "None"):
        return None
    if word in ("true", "false"):
        return word == "true"
    return int(word) if re.fullmatch(r"-?(?:0|[1-9]\d{0,17})", word) else word


def _unquoted(token: str) -> str:
    return _unescape(token[1:-1])


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text

    def one(match: re.Match[str]) -> str:
        if match[1] or match[2]:
            return chr(int(match[1] or match[2], 16))
        return _ESCAPES.get(match[3], match[3])

    text = _ESCAPED.sub(one, text)
    # Two escapes may make one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # A lone surrogate cannot be stored; Stripe never sends one.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
