"""Finds the JSON objects in a text: arrays, list pages, pretty-printed documents.

Only where an object begins and ends is found out here; what it holds is read by DuckDB. Damage
costs the object it is in: the reader goes on at the next one that can be recognised.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterator

from credit_forensics.evidence.files.json_lines import (
    CUT_OFF,
    LONGEST,
    NOT_JSON,
    NOT_UTF8,
    STRAY,
    TOO_DEEP,
    TOO_LONG,
    Document,
)

_FIRST_READ = 1 << 20
_DECODE = json.JSONDecoder().raw_decode
_BLANK = re.compile(r"[\s,]*")
# A list page: an object whose `data` is an array. Stripe has "object" first; jq may sort the keys.
_PAGE = re.compile(r'\{[^{}\[\]]*?"data"\s*:\s*\[')
_PAGE_TAIL = re.compile(r"[^{}\[\]]*\}")
_STRAY = re.compile(r"[^\n{}\[\]]*\n?")
# Where the next object may begin after damage: not where an object is the value of a key.
_NEXT = re.compile(r"[^:\s]\s*(?=\{)")
_STRIPE_OBJECT = re.compile(r'"object"\s*:\s*(?:"[a-z_.0-9]+"|\{)|"specversion"|"detail-type"')
_LOOK_AHEAD = 4096
# What reading on after damage may cost a file, against texts made to be costly.
_BUDGET = 1 << 29


class _Cursor:
    """A window on the text: it grows when an object does not fit, and forgets what was read."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self.text = ""
        self.position = 0
        self.line = 1
        self.ended = False
        self._chunks = chunks

    def more(self, wanted: int = 0) -> bool:
        """Read on by at least as much as is held; whether there was anything."""
        wanted = max(wanted, len(self.text) - self.position, _FIRST_READ)
        pieces, size = [self.text[self.position :]], 0
        self.position = 0
        for chunk in self._chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size >= wanted:
                break
        else:
            self.ended = True
        self.text = "".join(pieces)
        return size > 0

    def advance(self, end: int) -> None:
        self.line += self.text.count("\n", self.position, end)
        self.position = end

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Move over a pattern; whether it matched."""
        match = pattern.match(self.text, self.position)
        if match:
            self.advance(match.end())
        return match is not None


def split_documents(chunks: Iterator[str]) -> Iterator[Document]:
    """The JSON objects of a text, in order; arrays and list pages are descended into.

    Examples
    --------
    >>> [d.text for d in split_documents(iter(['{"object":"list","data":[{"id":1},{"id":2}]}']))]
    ['{"id":1}', '{"id":2}']
    >>> [d.text or d.problem for d in split_documents(iter(['[{"id":1},\\n{"i']))]
    ['{"id":1}', 'the text ends in the middle of an object']
    """
    cursor = _Cursor(chunks)
    cursor.more()
    open_: list[str] = []
    budget = _BUDGET
    told = False
    while True:
        cursor.skip(_BLANK)
        if len(cursor.text) - cursor.position < _LOOK_AHEAD and not cursor.ended:
            cursor.more()
            continue
        if cursor.position >= len(cursor.text):
            if open_ and not told:
                yield Document(cursor.line, "", "the text ends in the middle of a list")
            return
        character = cursor.text[cursor.position]
        if character == "[":
            open_.append("[")
            cursor.advance(cursor.position + 1)
        elif character in "]}":
            cursor.advance(cursor.position + 1)
            if open_ and open_.pop() == "page":
                cursor.skip(_PAGE_TAIL)
        elif character == "{" and cursor.skip(_PAGE):
            open_.append("page")
        elif character == "{":
            problem = yield from _one(cursor)
            told = problem == CUT_OFF
            if problem:
                yield Document(cursor.line, "", problem)
                budget = yield from _resume(cursor, budget)
                if budget <= 0:
                    yield Document(cursor.line, "", "too damaged to read on")
                    return
        else:
            yield Document(cursor.line, "", STRAY)
            start = cursor.position
            cursor.skip(_STRAY)
            if cursor.position == start:
                cursor.advance(start + 1)


def _one(cursor: _Cursor) -> Generator[Document, None, str]:
    """Yield the object at the cursor; return what is wrong with it, if it cannot be read."""
    while True:
        try:
            _, end = _DECODE(cursor.text, cursor.position)
        except RecursionError:
            return TOO_DEEP
        except json.JSONDecodeError as error:
            cut = error.pos >= len(cursor.text) - 16 or error.msg.startswith("Unterminated")
            if not cut:
                return NOT_JSON
            if len(cursor.text) - cursor.position > LONGEST:
                return TOO_LONG
            if cursor.ended or not cursor.more():
                return CUT_OFF
        else:
            line, text = cursor.line, cursor.text[cursor.position : end]
            cursor.advance(end)
            yield _checked(line, text)
            return ""


def _checked(line: int, text: str) -> Document:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return Document(line, "", NOT_UTF8)
    return Document(line, text)


def _resume(cursor: _Cursor, budget: int) -> Generator[Document, None, int]:
    """Yield the next object that can be read and is Stripe's; return the budget that is left."""
    while True:
        match = _NEXT.search(cursor.text, cursor.position + 1)
        if match is None:
            # Keep what may be the beginning of a match.
            cursor.advance(max(cursor.position + 1, len(cursor.text) - 64))
            if cursor.ended or not cursor.more():
                cursor.advance(len(cursor.text))
                return budget
            continue
        cursor.advance(match.end())
        line, start = cursor.line, cursor.position
        while True:
            try:
                value, end = _DECODE(cursor.text, start)
            except (RecursionError, json.JSONDecodeError) as error:
                position = error.pos if isinstance(error, json.JSONDecodeError) else start + 10_000
                budget -= max(position - start, 1)
                cut = position >= len(cursor.text) - 16 and len(cursor.text) - start < LONGEST
                if cut and not cursor.ended and cursor.more():
                    start = cursor.position
                    continue
                break
            if isinstance(value, dict) and _STRIPE_OBJECT.search(cursor.text, start, end):
                cursor.advance(end)
                yield _checked(line, cursor.text[start:end])
                return budget
            budget -= end - start
            break
        if budget <= 0:
            return budget


def decode(chunks: Iterator[bytes]) -> Iterator[str]:
    """Bytes as text; a broken byte stays recognisable, and its object is refused later."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
    for chunk in chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)
