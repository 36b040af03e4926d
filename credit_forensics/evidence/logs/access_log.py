"""Reads what a line states of an HTTP request to the webhook's path: access logs and their like."""

from __future__ import annotations

import re

from credit_forensics.evidence.logs.container_fields import Http, status_of

_VERB = r"(?P<{0}v>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)"
_PATH = r"(?P<{0}p>(?:https?://)?[^\s\"'?]{{0,300}}/[^\s\"'?]{{0,300}})(?:\?\S{{0,500}})?"
_FORMS = (
    # nginx, Apache, uvicorn, Django: "POST /hook HTTP/1.1" 200
    _VERB + r" " + _PATH + r"(?: HTTP/[\d.]+)?\"?,? (?:[-=]+>? )?(?P<{0}s>[1-5]\d\d)\b",
    # stripe listen: [200] POST http://localhost/hook; morgan's and others' status first
    r"[\[( ](?P<{0}s>[1-5]\d\d)[\]) |]" + r"[^\"'\w]{{0,6}}(?:[^\"'|]{{0,40}}\|[^\"'"
    r"|]{{0,60}}\|\s{{0,4}})?"
    + _VERB + r"\s{{1,8}}\"?" + _PATH,
    # Rails, Express: Started POST "/hook" …; Completed 200 OK stands alone
    r"Started " + _VERB + r" \"" + _PATH + r"\"(?P<{0}s>)",
    r"Completed (?P<{0}s>[1-5]\d\d)\b(?P<{0}v>)(?P<{0}p>)",
    # POST /hook → 200, POST /hook - 200, POST /hook status=200, … returned 500
    _VERB + r"[ :]+" + _PATH + r"[^\d\n]{{1,40}}(?<![\d.])(?P<{0}s>[1-5]\d\d)(?![\d.]|ms)",
)  # fmt: skip
_REQUEST = re.compile(
    "|".join(form.format(letter) for form, letter in zip(_FORMS, "abcde", strict=True))
)
# Request from: https://shop.example/hook
_SAID = re.compile(
    r"\b(?:request|call|post)(?:ed|s)?\b[^/\n]{0,24}?\s(?:from|to|on|at)\b:?\s+"
    + _PATH.format("f"),
    re.IGNORECASE,
)
_WEBHOOK = re.compile(r"hook|stripe|/wh(?:/|$)|callback|/ipn", re.IGNORECASE)
_LONGEST = 2000


def request_of(text: str) -> Http | None:
    """The request that a line states, with the status of its answer where it gives one.

    Examples
    --------
    >>> request_of('1.2.3.4 - - "POST /api/webhooks/stripe HTTP/1.1" 400 12 "-" "Stripe/1.0"')
    Http(method='POST', path='/api/webhooks/stripe', status=400)
    >>> request_of('<--  [200] POST http://localhost:3000/hook [evt_1]')
    Http(method='POST', path='http://localhost:3000/hook', status=200)
    >>> request_of('[GIN] | 200 |  1.2ms |  1.2.3.4 | POST     "/webhook"')
    Http(method='POST', path='/webhook', status=200)
    >>> request_of("Request from: https://kites.example/stripe/hook")
    Http(method='POST', path='https://kites.example/stripe/hook', status=None)
    >>> request_of("Added 200 credits") is None
    True
    """
    match = _REQUEST.search(text[:_LONGEST])
    if match is None:
        said = _SAID.search(text[:_LONGEST])
        return Http("POST", said["fp"], None) if said else None
    letter = next(key[0] for key, value in match.groupdict().items() if value)
    return Http(
        match[f"{letter}v"] or None, match[f"{letter}p"] or None, status_of(match[f"{letter}s"])
    )


def is_webhook(http: Http, text: str = "") -> bool:
    """Whether a request is one to the webhook: posted, and by its path or by Stripe's own agent.

    Examples
    --------
    >>> is_webhook(Http("POST", "/webhooks/stripe", 200)), is_webhook(Http("GET", "/hook", 200))
    (True, False)
    >>> is_webhook(Http("POST", "/checkout", 200))
    False
    """
    if http.method not in (None, "POST") or not http.path:
        return False
    return bool(_WEBHOOK.search(http.path)) or "Stripe/1.0" in text
