"""The common words for what became of a delivery, in the languages that logs are written in.

English, German, French, Spanish and Portuguese; ``languages`` has more, which a text that has any
of their letters or stems is searched for. A word alone is no claim: ``generic_wording`` says when a
line is one. Patterns are tried in order; the first that is found gives the outcome.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from credit_forensics.evidence.logs import languages

# What is booked, and whom a payment is for.
CREDITS = (
    r"(?:credits?|tokens?|coins?|points?|units?|minutes?|balance|top-?ups?|guthaben"
    r"|gutschrift(?:en)?"
    r"|punkte?n?|cr[ée]dit[oe]?s?|jetons?|solde|saldo|fichas?|monedas?|moedas?|puntos?|pontos?"
    r"@CREDITS@)"
)
_WHO = (
    r"(?:user|account|customer|owner|client|member|team|organi[sz]ation|profile|buyer|player"
    r"|subscriber|student|learner|tenant|workspace|wallet|holder|payer|purchaser|benutzer(?:in)?"
    r"|nutzer(?:in)?|kund(?:e|in)|konto|utilisateur|compte|usuario|cuenta|cliente|usu[áa]rio"
    r"|conta@WHO@)"
)
# A field that names the account: firebaseUID, metadata.userId, client_reference_id.
_WHO_ID = (
    r"(?:\w{0,20}(?:user|account|member|customer)[ _-]?(?:id|uuid)|\w{0,20}uid"
    r"|client[ _]?reference[ _]?id|metadata)"
)
_FAIL = (
    r"(?:fail\w*|invalid\w*|mismatch\w*|error|wrong|bad|missing|expired|reject\w*|refus\w*"
    r"|not (?:match|valid|verif)\w*|no match\w*|unable|could ?n[o']t|cannot"
    r"|ung(?:ü|ue)ltig\w*|fehlgeschlagen\w*|falsch\w*|fehlerhaft\w*|abgelehnt\w*"
    r"|[ée]chou\w*|[ée]chec|invalide\w*|non valide|incorrect\w*"
    r"|inv[áa]lid\w*|fall[óo]|falhou|falha|no coincide|n[ãa]o (?:confere|corresponde)|erro"
    r"@FAIL@)"
)
_SIGNATURE = r"(?:signature\w*|signatur\w*|signing secret|firma|assinatura@SIGNATURE@)"
_PAST_EN = (
    r"(?:added|granted|credited|booked|applied|issued|awarded|deposited|allocated|incremented"
    r"|topped"
    r"|increased|fulfilled|provisioned|updated|assigned|gave|loaded|recharged|refilled|bumped)"
)
_PAST_OTHER = (
    r"(?:gutgeschrieben|gebucht|hinzugef(?:ü|ue)gt|aufgeladen|vergeben|verbucht"
    r"|cr[ée]dit[ée](?:e|s|es)?|ajout[ée](?:e|s|es)?|recharg[ée](?:e|s|es)?|attribu[ée](?:e|s|es)?"
    r"|acreditad[oa]s?|abonad[oa]s?|a[ñn]adid[oa]s?|agregad[oa]s?|sumad[oa]s?|asignad[oa]s?"
    r"|recargad[oa]s?|a[ñn]adi(?:eron|[óo])|agreg(?:aron|[óo])|acredit(?:aron|[óo])|sum(?:aron"
    r"|[óo])"
    r"|adicion(?:ou|aram)|credit(?:ou|aram)|creditad[oa]s?|adicionad[oa]s?|somad[oa]s?"
    r"|atribu[íi]d[oa]s?@PAST@)"
)
# Words that hold what is booked already: "crédités", "gutgeschrieben".
_SAYS_ALL = (
    r"(?:credited|gutgeschrieben|gutschrift (?:gebucht|erstellt|erfolgt|erteilt)"
    r"|acreditad[oa]s?|creditad[oa]s?|recargad[oa]s?|aufgeladen|fulfilled (?:order|purchase"
    r"|checkout)@SAYS_ALL@)"
)
_NOT = (
    r"(?:not|never|n't|no|without|fail\w*(?: to)?|unable to|cannot|could ?n[o']t|error\w*"
    r"|nicht|keine?n?|non|pas|aucun\w*|sin|n[ãa]o|sem|ning[úu]n\w*|nenhum\w*)"
)


_OUTCOMES: tuple[tuple[str, str], ...] = (
        (
            "signature_refused",
            rf"\b{_SIGNATURE}\b.{{0,80}}?\b{_FAIL}|\b{_FAIL}.{{0,60}}?\b{_SIGNATURE}\b"
            r"|signatureverification(?:error|exception)|no signatures found matching"
            r"|timestamp (?:wasn't within|(?:is )?outside(?: of)? the(?: allowed)?) tolerance"
            r"|extract timestamp and signatures|hmac .{0,20}(?:not match|mismatch|invalid|differ)"
            rf"|\bno (?:valid |stripe[ -])?{_SIGNATURE}"
            r"|(?:webhook|payload) (?:payload )?(?:could not be|cannot be|was not) verified"
            r"|webhook secret .{0,20}(?:wrong|missing|not (?:set|configured))",
        ),
        (
            "database_error",
            r"\b(?:database|datenbank|base de (?:donn[ée]es|datos)|banco de dados|sql\w*"
            r"|postgres\w*"
            r"|mysql|prisma|mongo\w*|deadlock|constraint|unique|integrity)\b.{0,60}?"
            r"(?:error|fail|violat|abort|deadlock|lost|refused|timeout|fehler|erreur|erro\b|fall)"
            r"|(?:integrity|operational|programming|database|query|prisma\w*|sequelize\w*)error\b"
            r"|deadlock detected|duplicate key value|connection (?:pool|terminated|refused|slots)"
            r"|too many connections|could not serialize access|due to (?:lock|statement) timeout"
            r"|relation .{1,60} does not exist|(?:econnrefused|econnreset)\b",
        ),
        (
            "resolution_failed",
            rf"\b(?:no|missing|without|unknown|invalid|empty|undefined)\s+(?:\w+\s+)?[\"'`]?{_WHO}"
            rf"(?:[ _-]?(?:id|uuid|name))?\b"
            rf"|\b(?:no|missing|without|undefined|empty|null)\s+{_WHO_ID}\b(?!:)"
            rf"|\b(?:metadata\.)?{_WHO_ID}[\"'`]?(?: is| was)? (?:missing|null|undefined|empty"
            r"|not (?:set|provided|given|specified|available|present))"
            rf"|\b(?:{_WHO}|{_WHO_ID}) not in (?:the )?(?:\w+ )?metadata"
            # How the usual libraries of databases put it.
            rf"|\bno query results for model \[[^\]]{{0,80}}{_WHO}\]|{_WHO} matching query does not"
            rf"|\b{_WHO}\b.{{0,40}}\bno rows in result|no rows in result.{{0,60}}\b{_WHO}\b"
            rf"|noresultserror.{{0,200}}\b{_WHO}\b|(?:unable to|couldn't|could not) find"
            rf" [\w.\\]{{1,80}}[.\\]{_WHO}\b"
            rf"|\b{_WHO} look-?up failed|nobody to credit|no one to credit"
            rf"|not (?:linked|mapped|attached|bound|associated) (?:to|with) (?:an?y? )?{_WHO}"
            rf"|\b{_WHO}(?:[ _-]?(?:id|uuid))?[\"'`]?(?:\s+(?:for\s+|of\s+)?\S{{1,80}})?\s+"
            r"(?:was |is |does )?"
            r"(?:not (?:found|exist|known|set|present)|missing|unknown|undefined|null\b"
            r"|could not be)"
            rf"|(?:could ?n[o']t|cannot|can't|unable to|failed to)\s+(?:find|determine|resolve"
            rf"|identify"
            rf"|locate|match|map|look ?up)\s+(?:\w+\s+){{0,3}}{_WHO}"
            rf"|kein(?:e|en)? (?:\w+ )?{_WHO}|unbekannte\w* {_WHO}"
            rf"|{_WHO}(?: \S{{1,80}})? (?:wurde )?"
            r"nicht (?:gefunden|bekannt)"
            rf"|aucun(?:e)? {_WHO}|{_WHO}(?: \S{{1,80}})? (?:introuvable|inconnu)"
            rf"|pas d['’]utilisateur"
            rf"|(?:sin|ning[úu]n|falta el) {_WHO}"
            rf"|{_WHO}(?: \S{{1,80}})? (?:no (?:se )?encontrad\w*"
            rf"|no existe|desconocid\w*)|(?:sem|nenhum) {_WHO}|{_WHO}(?: \S{{1,80}})? (?:n[ãa]o "
            r"(?:foi )?encontrad\w*|n[ãa]o existe|desconhecid\w*)",
        ),
        (
            "no_credits",
            rf"\b(?:no|missing|invalid|unknown|without)\s+(?:valid\s+)?(?:{CREDITS}"
            r"|price|plan|product|pack(?:age)?|sku)(?:[ _-]?(?:id|amount"
            r"|count))?\b(?!\s+(?:were|was)? ?needed)"
            r"|\bkeine? (?:g[üu]ltigen? )?(?:credits|guthaben|punkte)|unbekannte\w* (?:preis"
            r"|paket|produkt)"
            r"|\b(?:price|product|plan|pack(?:age)?|sku)(?: \S{1,80})? (?:is |was )?not"
            r" (?:found|known|configured|mapped|in)\b"
            r"|(?:prix|produit|precio|producto|pre[çc]o|produto) (?:inconnu|desconocid"
            r"|desconhecid)\w*",
        ),
        (
            "duplicate",
            r"\balready[ -](?:\w+ )?(?:processed|handled|credited|exists?|seen|applied"
            r"|fulfilled|booked"
            r"|granted|recorded|received|completed|done)|\bseen before\b|\bduplicates?d?\b"
            r"|\breplay(?:ed)?\b"
            r"|\bidempoten\w+ (?:hit|skip|key (?:exists|found))"
            r"|\bbereits\b.{0,40}(?:verarbeitet|gebucht"
            r"|gutgeschrieben|vorhanden|bekannt)|\bdoppelt\w*|\bd[ée]j[àa] (?:\w+ )?(?:trait"
            r"|cr[ée]dit|re[çc]u"
            r"|enregistr)\w*|\bdoublon|\bya (?:fue |se |ha sido |estaba )?(?:procesad|acreditad"
            r"|registrad"
            r"|existe|recibid)\w*|\bduplicad[oa]\b|\bj[áa] (?:foi )?(?:processad|creditad"
            r"|registrad|existe"
            r"|recebid)\w*",
        ),
        (
            "planned",
            rf"\b(?:will|would|going to|about to|to be|should|wird|werden|va"
            rf"|ser[áa])\b ?(?:\w+ ){{0,3}}"
            rf"(?:{_PAST_EN}|{_PAST_OTHER}|credit|add|grant|apply)\w*\b",
        ),
        (
            "handler_error",
            rf"\b{_NOT}\b(?: be| been|ing)? ?(?:\w+ ){{0,3}}(?:{_PAST_EN}|{_PAST_OTHER}|credit"
            rf"|add|grant"
            r"|apply|process|fulfil|book)\w*\b.{0,40}",
        ),
        (
            "credited",
            rf"\b{_PAST_EN}\b.{{0,60}}?\b{CREDITS}\b|\b{CREDITS}\b.{{0,60}}?\b{_PAST_EN}\b"
            rf"|(?<!\w){_PAST_OTHER}(?!\w).{{0,60}}?(?<!\w){CREDITS}(?!\w)"
            rf"|(?<!\w){CREDITS}(?!\w).{{0,60}}?(?<!\w){_PAST_OTHER}(?!\w)"
            rf"|(?<!\w){_SAYS_ALL}(?!\w)"
            rf"|{_WHO}\b.{{0,60}}?\breceived\b.{{0,30}}?\b{CREDITS}\b"
            r"|\b(?:gave|granted)\s+[+]?\d{1,15}\s+(?:to|for)\b"
            r"|\b(?:granting|crediting|top-?up|recharge|credit grant) (?:ok|done|success\w*"
            r"|succeeded|completed?|finished)\b"
            r"|\b(?:inserted|posted|recorded|wrote|saved) (?:\w+ ){0,3}?(?:ledger|credit|grant)\b"
            r"|\b(?:ledger|credits?)\w* insert (?:ok|done)"
            rf"|\b{_WHO}[ :=#]+\S{{1,80}}\s+[+]\d{{1,9}}\b"
            rf"|[+]\s?\d[\d.,]*\s+{CREDITS}\b|\b{CREDITS}\s*[:=]?\s*[+]\s?\d",
        ),
        (
            "ignored",
            r"\bignor(?:ed|ing|e|iert|iere|[ée]e?|ado|ada|ando)\b|\bskip(?:ped|ping|s)?\b"
            r"|\bun(?:handled|supported|expected) (?:\w+ )?(?:event|invoice|payment|session|intent"
            r"|charge|subscription|object|type)\b"
            r"|\bevent (?:type )?\s*not (?:handled|supported|of interest)|\bno handler for\b"
            r"|\bunhandled\W*$"
            r"|\bnot (?:yet )?paid\b|\bunpaid\b|\bno action\b|\bnothing to do\b|\b(?:ü"
            r"|ue)bersprungen"
            r"|\bnicht (?:behandelt|bezahlt|unterst(?:ü|ue)tzt)|\bnon (?:g[ée]r[ée]|pay[ée])\w*"
            r"|\bomitid[oa]|\bomitiendo|\bno (?:pagad|soportad|manejad)\w*|\bpulad[oa]|\bpulando"
            r"|\bn[ãa]o (?:pag|tratad|suportad)\w*",
        ),
        (
            "handler_error",
            r"\b(?:\w*error|\w*exception|fail(?:ed|ure|s|ing)?|fatal|crash\w*|panic|abort(?:ed"
            r"|ing)?"
            r"|giving up|gave up|killed"
            r"|reject(?:ed|ing)?|refused?|denied|timed? ?out|timeout|traceback"
            r"|fehler\w*|fehlgeschlagen|gescheitert|abgebrochen|abgelehnt|verweigert"
            r"|[ée]chec|erreur|[ée]chou\w*|refus[ée]\w*|rejet[ée]\w*|impossible"
            r"|fall[óo]|fallid[oa]|rechazad[oa]|denegad[oa]|falha|falhou|erro|recusad[oa]"
            r"|rejeitad[oa])\b",
        ),
)  # fmt: skip
# Words for a failure that say there was none.
HARMLESS = re.compile(
    r"\b(?:no|0|without|sans|ohne|sin|sem|keine?) (?:errors?|failures?|exceptions?|fehler"
    r"|erreurs?|errores"
    r"|erros?)\b|\b(?:payment|charge|card|zahlung|paiement|pago|pagamento) (?:was |has |a |ha "
    r"|foi )?"
    r"(?:failed|declined|fehlgeschlagen|[ée]chou[ée]|refus[ée]|fallado|fallido|rechazado|falhou"
    r"|recusado)\b"
    r"|\b(?:added|adding) to (?:the )?(?:cart|basket)\b"
    r"|\berrors?[\"']?\s?[:=]\s?(?:null|none|0|false|\[\]|\"\")",
    re.IGNORECASE,
)
# Signatures of other things than webhooks.
OTHER_SIGNATURES = re.compile(
    r"jwt|token|cookie|csrf|saml|ssl|tls|certificat|oauth|gpg|commit", re.IGNORECASE
)
_SIGNATURE_HOLDS = (
    rf"\b{_SIGNATURE}\b.{{0,40}}?\b(?:verified|valid|ok|correct|matches|g(?:ü|ue)ltig|gepr(?:ü"
    rf"|ue)ft"
    r"|v[ée]rifi[ée]e?|valide|v[áa]lida|verificada)\b|\bverified (?:stripe |webhook )*signature"
)
# Words without which a line that names nothing is not about a payment.
_ABOUT_PAYMENTS = (
    r"webhook|stripe|checkout|payment|invoice|subscription|session|metadata|\bevent\b"
    r"|task timed out after"
    rf"|\b{CREDITS}\b"
    r"|credit|cr[ée]dit|gutschr"
    r"|zahlung|rechnung|bezahl|paiement|facture|abonnement|\bpago|factura|suscripci|pagamento"
    r"|fatura"
    rf"|assinatura|evento@ABOUT@"
)
_RECEIVES = (
    r"\b(?:receiv\w*|incoming|got|new|processing|handling|handle|start\w*|begin\w*|webhook:?"
    r"|event:?"
    r"|empfangen|erhalten|eingegangen|verarbeite\w*|re[çc]u\w*|traitement|recibid\w*|procesando"
    r"|recebid\w*|processando@RECEIVES@)(?!\w)|-->|收到|接收到|处理中|受信"
)
_ID = r"(?P<id>[A-Za-z0-9][\w.|:-]{0,199})"
# Whom a line names, after a word for a user; else after a preposition.
_USERS = (
    (
        rf"(?<![A-Za-z]){_WHO}(?:[ _-]?(?:id|uuid|name))?[\"']?\s{{0,2}}(?:[=:#]\s{{0,2}}|\s|\()"
        rf"[\"'(<]{{0,2}}{_ID}"
    ),
    (rf"(?<!\w)(?:for|to|für|fuer|an|à|pour|para|al?|ao|de|aan|voor|per|dla)\s+[\"'(<]?{_ID}"),
    # "credited user_7 with 50": an id has a letter, else it is the amount.
    rf"(?<!\w)credited\s+[\"'(<]?(?=[\w.|:-]*[A-Za-z]){_ID}",
)
# What is written with its sign goes before any number that stands near the word.
_SIGNED_AMOUNT = (
    rf"\b{CREDITS}[\"']?\s*[:=]?\s*[+]\s?(\d{{1,15}})\b|(?<!\S)[+]\s?(\d{{1,15}})\s*{CREDITS}"
)
_AMOUNT = (
    rf"(?<![\w.,-])(?<!\bto )(?<!\bauf )(?P<first>\d{{1,15}})(?!\s+(?:balance|saldo"
    # Of "user 42 credits=100" the number is not the first.
    rf"|solde)\b)\s+(?:[^\W\d]\w*\s+)?{CREDITS}\b(?!\s?=|:\s?[+]?\d)"
    rf"|\b{CREDITS}\b(?: (?!to\b|auf\b)\w+)?[\"']?(?:\s*[:=]\s*|\s+)[+]?"
    r"(?P<second>\d{1,15})(?![\w.,]*\d)"
    r"@AMOUNT@"
    # credited 100 to 77
    r"|\b(?:credited|granted|added|awarded|topped up|gutgeschrieben:?)\s+[+]?(?P<fourth>\d{1,15})"
    r"\s+(?:to|for)\b"
)


class Wordings(NamedTuple):
    """The words as patterns; ``users`` are tried in order, as ``outcomes`` are."""

    outcomes: tuple[tuple[str, re.Pattern[str]], ...]
    signature_holds: re.Pattern[str]
    about_payments: re.Pattern[str]
    receives: re.Pattern[str]
    users: tuple[re.Pattern[str], ...]
    signed_amount: re.Pattern[str]
    amount: re.Pattern[str]


@lru_cache(maxsize=2)
def _wordings(*, others: bool) -> Wordings:
    """The patterns, with or without the words of ``languages``, which cost a search each."""

    def pattern(text: str) -> re.Pattern[str]:
        whole = _PLACE.sub(lambda m: getattr(languages, m[1]) if others else "", text)
        return re.compile(whole, re.IGNORECASE)

    def outcome(name: str, text: str) -> re.Pattern[str]:
        # Two patterns are of errors: of what was not done, and of any.
        key = "handler_error_not" if name == "handler_error" and _NOT in text else name
        more = languages.OUTCOMES.get(key) if others else None
        return pattern(f"{more}|{text}" if more else text)

    return Wordings(
        tuple((name, outcome(name, text)) for name, text in _OUTCOMES),
        pattern(_SIGNATURE_HOLDS), pattern(_ABOUT_PAYMENTS), pattern(_RECEIVES),
        tuple(pattern(text) for text in _USERS),
        pattern(_SIGNED_AMOUNT), pattern(_AMOUNT),
    )  # fmt: skip


_PLACE = re.compile("@([A-Z_]+)@")


def wordings_for(text: str) -> Wordings:
    """The words to look for in a text: of all languages where it may be in one of the others.

    Examples
    --------
    >>> wordings_for("Added 100 credits to user 7") is wordings_for("100 crédits ajoutés")
    True
    >>> wordings_for("100 crediti aggiunti") is wordings_for("Added 100 credits")
    False
    """
    return _wordings(others=languages.MAY_BE.search(text) is not None)
