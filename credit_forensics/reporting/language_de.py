"""The report's sentences in German."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "and": "und",
    # page
    "page.title": "Vorfallbericht: {case}",
    "page.digest_title": "Tagesbericht: {case}",
    "page.skip": "Zu den Antworten springen",
    "page.rendered": "erstellt {time}",
    "page.window": "Zahlungen vom {first} bis {last}",
    "page.no_window": "keine Zahlungen mit Zeitangabe",
    "page.mode.hindsight": "im Rückblick beurteilt (alle Belege außer der Zahlung selbst)",
    "page.mode.as_of": "zum Zeitpunkt jeder Zahlung beurteilt (was damals bekannt war)",
    "page.masked": (
        "Personendaten sind durch einen Schlüssel-Hash maskiert; dieselbe Person hat in jedem "
        "Bericht dieses Falls dieselbe Maske."
    ),
    "page.revealed": (
        "Personendaten sind in diesem Bericht offen (--reveal). Bitte entsprechend behandeln."
    ),
    "page.failed": "Dieser Lauf ist fehlgeschlagen",
    "page.failed_text": (
        "{error} in Zelle {cell}. Was davor berechnet wurde, steht unten; danach wurde nichts "
        "berechnet. Die Ursache steht im Notebook neben dieser Seite, ohne Werte."
    ),
    "page.cell_failed": "Zelle {cell} ist fehlgeschlagen: {error}.",
    "page.no_script": "Diagramme brauchen JavaScript; die Tabellen sagen dasselbe.",
    "page.chart": "Diagramm",
    "page.contents": "Inhalt",
    "page.copy": "kopieren",
    "page.copied": "Kopiert:",
    "page.fold_all": "Alle Abschnitte einklappen",
    "page.unfold_all": "Alle Abschnitte ausklappen",
    # headline
    "headline.findings": "{findings} bei {payments}; {amount} betroffen",
    "headline.none": "Kein Befund bei {payments}",
    "headline.none_judged": "Kein Befund in den {share} von {payments}, die beurteilbar waren",
    "headline.judged": "Beurteilt: {shares}.",
    "headline.unjudged": "Nicht beurteilt: {parts}.",
    "short.happened": (
        "{finding}{cause}: {findings}, {accounts} betroffen{money}, von {onset} bis {end}. "
        "{going_on}"
    ),
    "short.money": ", {amount}",
    "short.goes_on": "Es dauert vielleicht noch an.",
    "short.ended": "Es ist vorbei.",
    "short.unknown": "Ob es andauert, ist nicht zu sagen.",
    "short.apart": (
        "{share} der falschen Zahlungen haben {trait} {value}, von den übrigen {others} "
        "(Lift {lift})."
    ),
    "short.alike": "Nichts Aufgezeichnetes unterscheidet die falschen Zahlungen von den übrigen.",
    "short.besides": "Außerdem: {kinds}.",
    "short.follow": "{number}, die aus einem davon folgen",
    "short.others": "{number} weitere",
    "short.now": "Jetzt: {steps}.",
    "short.step": "{command} {what}",
    "short.repair": "schreibt einen Plan mit {count}",
    "short.review": "fragt nach {count}",
    "short.doctor": "sagt, was fehlt, um {count} zu beurteilen",
    "trait.frontend_version": "Front-End-Version",
    "trait.browser": "Browser",
    "trait.handler_method": "Handler-Methode",
    "trait.price": "Preis",
    "trait.hour": "Stunde (UTC)",
    "trait.preset_customer": "Kunde",
    "headline.unsure": "{ambiguous} warten auf Prüfung, {unverifiable} sind nicht überprüfbar.",
    "headline.practices": "Als Praxis des Shops übergangen: {objects}; die Lücken sagen, was.",
    "headline.paid_by_another": "Bezahlt von jemand anderem als dem Inhaber des Kontos, wie es "
    "Vorgesetzte oder Eltern tun: {payments}; credit-forensics review fragt einmal je Paar.",
    "tile.hit": "betroffene Konten",
    "tile.payments": "beurteilte Zahlungen",
    "tile.rejects": "abgewiesene Zeilen",
    # nouns: of one and of many
    "noun.payment": "Zahlung | Zahlungen",
    "noun.finding": "Befund | Befunde",
    "noun.credit": "Credit | Credits",
    "noun.account": "Konto | Konten",
    "noun.id": "Kennung | Kennungen",
    "noun.person": "Person | Personen",
    "noun.family": "unabhängige Familie | unabhängige Familien",
    "noun.delivery": "Zustellung | Zustellungen",
    "noun.balance": "gespeicherter Kontostand | gespeicherte Kontostände",
    "noun.correction": "Korrektur | Korrekturen",
    "noun.entry": "Kaufbuchung | Kaufbuchungen",
    "noun.reject": "abgewiesene Zeile | abgewiesene Zeilen",
    # the ten questions
    "section.answers": "Zehn Fragen, beantwortet",
    "question.1": "Wo sind die Credits jetzt?",
    "question.2": "Zugestellt, geprüft und gebucht?",
    "question.3": "Wer hat gezahlt, und welche Kennungen sind eine Person?",
    "question.4": "Sind die Methoden einig, und aus wie vielen Familien?",
    "question.5": "Ist der Kontostand wirklich null?",
    "question.6": "Falsche Person oder verwaiste Kennung?",
    "question.7": "Doppelt gebucht oder gefälscht?",
    "question.8": "Passen die Credits zum Preis?",
    "question.9": "Welche Version war es, und wen trifft es noch?",
    "question.10": "Was ist zu korrigieren, und ist es geschehen?",
    "answers.focus": "Zur Zahlung {payment}, der schwersten dieses Falls, und zum Fall insgesamt.",
    "answers.focus_window": (
        "Zur Zahlung {payment}, der schwersten dieses Fensters, und zum Fenster insgesamt."
    ),
    "answers.focus_chosen": "Zur Zahlung {payment}, wie gewünscht, und zum Fall insgesamt.",
    "answers.no_focus": "Zum Fall insgesamt: keine Zahlung ist hervorzuheben.",
    "answer.held": "Die {credits} von {payment} liegen auf {holders}.",
    "answer.held_none": "Kein Konto hält Credits von {payment}.",
    "answer.holder": "{user} ({credits})",
    "answer.elsewhere": (
        "Von {payments} haben {elsewhere} Credits auf einem anderen Konto als dem des Zahlers."
    ),
    "answer.gates_passed": (
        "{payment} hat jede Stufe passiert: Ereignis {event}, {deliveries} im Protokoll, "
        "{signature}, gebucht {booked}."
    ),
    "answer.gates_booked_unlogged": (
        "{payment} wurde {booked} gebucht; kein Protokoll zeigt die Zustellung."
    ),
    "answer.gate_not_paid": "{payment} wurde nicht bezahlt, es war nichts zu buchen.",
    "answer.gate_not_delivered": (
        "{payment} blieb vor dem Handler stehen: keine Zustellung im Protokoll ({event})."
    ),
    "answer.gate_unlogged": (
        "{payment} ist nicht gebucht, und kein Protokoll deckt sie ab; welche Stufe sie aufhielt, "
        "ist unbekannt."
    ),
    "answer.gate_signature_refused": (
        "{payment} blieb an der Signatur stehen: sie wurde abgelehnt."
    ),
    "answer.gate_resolution_failed": (
        "{payment} blieb bei der Zuordnung stehen: der Handler fand keinen Nutzer."
    ),
    "answer.gate_not_booked": (
        "{payment} blieb vor dem Ledger stehen: zugestellt, aber keine Buchung ({outcome})."
    ),
    "answer.no_event": "kein Stripe-Ereignis",
    "answer.signature_ok": "Signatur geprüft",
    "answer.signature_untold": "Signatur nicht genannt",
    "answer.booked_case": "{booked} von {paid} bezahlten Zahlungen sind gebucht{stopped}.",
    "answer.stopped": "; aufgehalten: {gates}",
    "answer.paid_by": "{payment} zahlte {rightful} mit Wahrscheinlichkeit {probability}.",
    "answer.paid_by_plain": "{payment} zahlte {rightful}.",
    "answer.payer_unknown": "Wer {payment} zahlte, steht nicht sicher fest.",
    "answer.one_person": "{rightful} und {credited} sind eine Person.",
    "answer.two_persons": "{credited} ist eine andere Person.",
    "answer.persons_case": "{ids} ergeben {persons}; {several} haben mehr als eine Kennung.",
    "answer.families": "Zu {payment} sprechen {families}: {voices}.",
    "answer.voice": "{families} nennt {person}",
    "answer.voices": "{families} nennen {person}",
    "answer.no_family": "Zu {payment} spricht keine Familie.",
    "answer.families_case": (
        "Insgesamt: Familien einig bei {agree}, im Widerspruch bei {differ}, weniger als zwei "
        "sprechen bei {few}."
    ),
    "answer.balance": "{user}: gespeichert {stored}, Ledger {summed}.",
    "answer.balance_unread": ("{user}: kein Kontostand lesbar; das Ledger ergibt {summed}."),
    "answer.balance_case_ok": "{balances} gelesen; keiner weicht von seinem Ledger ab.",
    "answer.balance_case_usual": (
        "{balances} gelesen; keiner weicht von seinem Ledger ab, einige nach früherem Stand; "
        "die Lücken sagen, wie viele."
    ),
    "answer.balance_case_drift": "{drift} von {balances} weichen von ihrem Ledger ab.",
    "answer.balance_case_unreadable": (
        "Die Kontostände waren nicht lesbar; eine Null dort bedeutet nichts."
    ),
    "answer.kind_wrong_user": "{payment}: eine andere Person{cause}.",
    "answer.kind_split_identity": "{payment}: eine andere Kennung derselben Person.",
    "answer.kind_unknown_user": "{payment}: eine Kennung, die kein Konto hat.",
    "answer.kind_other": "{payment}: {finding}.",
    "answer.kind_none": "{payment}: weder noch; die Credits liegen, wo sie hingehören.",
    "answer.kind_unsure": "{payment}: nicht entschieden ({verdict}).",
    "answer.kinds_case": (
        "{wrong} bei einer anderen Person, {split} bei einer anderen Kennung derselben Person, "
        "{unknown} bei einer Kennung ohne Konto."
    ),
    "answer.grants": "{payment} wurde {grants}-mal gutgeschrieben.",
    "answer.grant_once": "{payment} wurde einmal gutgeschrieben.",
    "answer.grant_never": "{payment} wurde nie gutgeschrieben.",
    "answer.twice_case": (
        "{twice} mehrfach gebucht; {orphan} ohne Zahlung; {unpaid} unbezahlt gebucht, {test} im "
        "Testmodus."
    ),
    "answer.price": "{payment}: {granted} gutgeschrieben, der Preis ist {expected} wert.",
    "answer.price_unknown": "{payment}: was der Preis wert ist, ist nicht bekannt.",
    "answer.price_case_usual": (
        "Keine gebuchte Zahlung weicht von ihrem Preis ab, außer nach der Praxis des Shops; "
        "die Lücken sagen, wie viele."
    ),
    "answer.price_case_ok": "Keine gebuchte Zahlung weicht von ihrem Preis ab.",
    "answer.price_case_wrong": "{wrong} mit anderen Credits gebucht, als der Preis wert ist.",
    "answer.version": "{payment}: {facts}.",
    "answer.version_unknown": "{payment}: weder Protokoll noch Metadaten nennen die Version.",
    "answer.version_handler": "Handler-Methode {method}",
    "answer.version_key": "{key} {value}",
    "answer.hit_case": "{accounts} betroffen von {findings}{shared}.",
    "answer.hit_shared": (
        "; {share} der falschen Zahlungen und {others} der übrigen haben {trait} {value}"
    ),
    "answer.hit_none": "Sonst ist niemand betroffen.",
    "answer.correct_move": "{credits} von {credited} zurücknehmen und {rightful} gutschreiben",
    "answer.correct_grant": "{credits} an {rightful} gutschreiben",
    "answer.correct_grant_unknown": "{credits} gutschreiben, sobald der Zahler feststeht",
    "answer.correct_take": "{credits} von {credited} zurücknehmen",
    "answer.correct_adjust": "Die Credits von {credited} an den Preis angleichen",
    "answer.correct_rebind": "Den Kunden von {payment} {rightful} zuordnen",
    "answer.correct_review": "{payment} von Hand prüfen, bevor etwas bewegt wird",
    "answer.correct_none": "{payment} braucht keine Korrektur.",
    "answer.applied": "{what}; eine Gegenbuchung steht im Ledger ({entries}).",
    "answer.not_applied": "{what}; noch nicht geschehen.",
    "answer.corrections_case": "Insgesamt {corrections} offen, {credits} zu bewegen.",
    "answer.corrections_case_none": "Keine Korrektur ist offen.",
    # sections
    "section.findings": "Befunde nach Schwere",
    "section.worst": "Die schwersten Fälle, alle Methoden nebeneinander",
    "section.waterfalls": "Warum: die Belege für jeden Kandidaten",
    "section.timeline": "Wann es geschah",
    "section.flow": "Wohin die Credits gingen",
    "section.methods": "Die Methoden nebeneinander",
    "section.trust": "Wie weit den Wahrscheinlichkeiten zu trauen ist",
    "trust.intro": (
        "Eine Wahrscheinlichkeit ist die des Modells: daraus, wie oft die Familien in diesem "
        "Fall übereinstimmen. Sie gilt dem Konto: dass jemand anderes gezahlt hat und nicht für "
        "dieses Konto."
    ),
    "trust.uncalibrated": (
        "Sie sind modellbasiert und nicht kalibriert: zu wenige Zahlungen wurden von Menschen "
        "beurteilt, um sie zu prüfen. credit-forensics review nimmt Urteile entgegen."
    ),
    "trust.calibrated": (
        "{method}. An {labels} Urteilen: Brier-Wert {brier}, Gewinn gegenüber der Grundrate "
        "{skill}, Kalibrierungsfehler {ece}; 95-%-Bootstrap-Intervalle."
    ),
    "trust.no_pairs": "Bei keinen zwei Familien ist zu erwarten, dass sie gemeinsam irrten.",
    "trust.sensitivity": (
        "{firm} von {total} Zahlungen ({share}) behielten ihr Urteil, wenn irgendeine Familie "
        "wegfiele."
    ),
    "caption.pairs": (
        "Familien, die öfter dieselbe falsche Person nennen, als Unabhängigkeit erlaubt"
    ),
    "column.first_family": "Familie",
    "column.second_family": "und Familie",
    "column.both_wrong": "Beide falsch (erwartet)",
    "column.share": "Dieselbe Person",
    "column.independent": "Wenn unabhängig",
    "column.ratio": "Mal",
    "section.incidents": "Vorfälle",
    "section.coverage": "Was die Belege abdecken und was nicht",
    "section.manifest": "Manifest",
    "section.appendix": "Anhang",
    "section.new": "In diesem Zeitraum gefunden",
    "none.findings": "Keine Befunde. Alle Prüfungen liefen; jede fand nichts.",
    "findings.not_run": "Diese Prüfungen liefen nicht und beweisen nichts: {names}.",
    "none.worst": "Keine Zahlung hat einen Befund.",
    "none.waterfalls": "Keine Zahlung hat Kandidaten zu vergleichen.",
    "none.incidents": "Keine Vorfälle.",
    "none.rows": "Keine Zeilen.",
    "none.gaps": "Keine Lücken: jede Quelle enthielt, was sie sollte.",
    "table.n_of_m": "{shown} von {total}",
    "table.csv": "Alle {total} Zeilen stehen in {file} neben dieser Seite (SHA-256 {sha}).",
    "caption.by_finding": "Befunde nach Art",
    "caption.findings": "Die Befunde, schwerste zuerst",
    "caption.worst": "Wen jede Methode nennt, schwerste Zahlungen zuerst",
    "caption.methods": (
        "Jede Methode: wie oft sie spricht, zustimmt, widerspricht und das Ledger erklärt"
    ),
    "caption.incidents": "Vorfälle, schwerste zuerst",
    "caption.inputs": "Die Eingaben, wie sie gelesen wurden",
    "caption.coverage": "Der Zeitraum, den jede Quelle abdeckt",
    "caption.gaps": "Lücken",
    "caption.rejects": "Abgewiesene Zeilen nach Grund",
    "caption.versions": "Versionen und Parameter",
    "caption.verdicts": "Zahlungen nach Urteil",
    "caption.accuracies": "Was das Modell über jede Familie lernte",
    "worst.legend": (
        "= Zahler: nennt die Person, die zahlte; = gutgeschrieben: nennt das Konto, das die "
        "Credits bekam, obwohl jemand anders zahlte; andere: ein dritter Nutzer; leer: die Methode "
        "schweigt. Methoden unter einer Familie sind Kopien eines Werts und haben eine Stimme."
    ),
    "worst.payer": "= Zahler",
    "worst.credited": "= gutgeschrieben",
    "worst.other": "andere",
    "worst.done": "was geschah",
    "waterfall.sentence": "{payment}: {verdict}. {explanation}",
    "waterfalls.intro": (
        "Ein Balken ist das Gewicht der Stimme einer Familie; die Balken einer Person ergeben "
        "genau ihre Punktzahl. Nur unabhängige Familien zählen zusammen."
    ),
    "incidents.intro": "Befunde einer Art und Ursache, die zusammenhängen.",
    "manifest.hash": "SHA-256 von {file}, wie sha256sum sie gibt: {sha}.",
    "manifest.whole": "Das Manifest im Wortlaut",
    "manifest.intro": "Dieselben Eingaben ergeben dieselben Befunde, Byte für Byte.",
    # column headings
    "column.payment_id": "Zahlung",
    "column.event_id": "Ereignis",
    "column.finding": "Befund",
    "column.cause": "Ursache",
    "column.severity": "Schwere",
    "column.credited_user_id": "Gutgeschrieben",
    "column.rightful_user_id": "Berechtigt",
    "column.probability": "Wahrscheinlichkeit",
    "column.credits": "Credits",
    "column.amount": "Betrag",
    "column.created_at": "Wann",
    "column.explanation": "Erklärung",
    "column.count": "Anzahl",
    "column.method": "Methode",
    "column.family": "Familie",
    "column.coverage": "Spricht",
    "column.agreement": "Stimmt zu",
    "column.conflicts": "Widerspricht",
    "column.explains_ledger": "Erklärt Ledger",
    "column.incident_id": "Vorfall",
    "column.onset": "Beginn",
    "column.end": "Ende",
    "column.findings": "Befunde",
    "column.users": "Konten",
    "column.summary": "Zusammenfassung",
    "column.name": "Eingabe",
    "column.taken_for": "Gelesen als",
    "column.size": "Bytes",
    "column.rows": "Zeilen",
    "column.rejects": "Abgewiesen",
    "column.sha256": "SHA-256",
    "column.source": "Quelle",
    "column.since": "Von",
    "column.until": "Bis",
    "column.read": "Gelesen",
    "column.tied": "Verknüpft",
    "column.recognised": "Erkannt",
    "column.reason_silent": "Was dort fehlt, ist nicht bekannt, denn",
    "column.first_at": "Erste",
    "column.last_at": "Letzte",
    "column.row_count": "Zeilen",
    "column.object": "Objekt",
    "column.problem": "Problem",
    "column.consequence": "Folge",
    "column.file": "Datei",
    "column.reason": "Grund",
    "column.key": "Name",
    "column.value": "Wert",
    "column.verdict": "Urteil",
    "column.level": "Stufe",
    "column.accuracy": "Genauigkeit",
    # codes
    "severity.critical": "kritisch",
    "severity.high": "hoch",
    "severity.medium": "mittel",
    "severity.low": "gering",
    "verdict.confirmed": "bestätigt",
    "verdict.misattributed": "falsch zugeordnet",
    "verdict.paid_by_another": "von anderen bezahlt",
    "verdict.split_identity": "geteilte Identität",
    "verdict.ambiguous": "mehrdeutig",
    "verdict.unverifiable": "nicht überprüfbar",
    "verdict.unresolved": "nicht zugeordnet",
    "verdict.undetermined": "unbestimmt",
    "verdict.not_credited": "nicht gutgeschrieben",
    "verdict.not_for_credits": "nicht für Credits",
    "verdict.not_paid": "nicht bezahlt",
    "cause.unknown": "Ursache unbekannt",
    "family.session": "Sitzung",
    "family.mapping": "Zuordnung",
    "family.email": "E-Mail",
    "family.name": "Name",
    "family.card": "Karte",
    # appendix
    "appendix.method": "Verfahren",
    "appendix.method.1": (
        "Für jede Zahlung wird jeder Weg befragt, auf dem sich der Zahler erkennen lässt. Jeder "
        "gehört nach der Herkunft seines Werts zu einer Belegfamilie, und eine Familie hat eine "
        "Stimme: Kopien eines Werts stimmen überein, wenn er richtig ist und wenn er falsch ist, "
        "ihre Übereinstimmung belegt also nichts."
    ),
    "appendix.method.2": (
        "Die Familien werden nach einem Dawid-Skene-Modell mit einer Münze gewichtet: das Gewicht "
        "einer Stimme ist ln(n·a/(1−a)), mit a der Genauigkeit der Familie auf ihrer Stufe und n "
        "der Zahl wirksamer falscher Werte. Die Punktzahl eines Kandidaten ist die Summe der "
        "Gewichte, die ihn nennen, seine Wahrscheinlichkeit das Softmax über die Kandidaten und "
        "jemanden, den niemand nennt."
    ),
    "appendix.method.3": (
        "Kennungen werden zu Personen zusammengefasst, bevor etwas falsch heißt: derselbe Mensch "
        "unter einer zweiten Kennung ist eine geteilte Identität. Eine Zahlung ist nie ihr eigener "
        "Zeuge, und ebenso wenig eine Zuordnung, die sie selbst schrieb."
    ),
    "appendix.limits": "Grenzen",
    "appendix.limits.1": (
        "Sprechen weniger als zwei Familien, ist eine Zahlung nicht überprüfbar, nie bestätigt."
    ),
    "appendix.limits.2": (
        "Ein Fehlen zählt nur, wo die Belege es abdecken; außerhalb des Zeitraums von Protokoll "
        "oder Ereignissen ist eine Zahlung unbestimmt, nie fehlend. Stripe hält Ereignisse 30 Tage."
    ),
    "appendix.limits.3": (
        "Wahrscheinlichkeiten stammen aus dem Modell, solange keine geprüften Urteile sie "
        "kalibrierten; eine Wahrscheinlichkeit ist kein Beweis, und dieser Bericht bewegt nichts."
    ),
    "appendix.limits.priors": (
        "Hier hatten weniger als drei Familien Daten, Genauigkeiten waren nicht lernbar: es gelten "
        "die Vorannahmen."
    ),
    "appendix.limits.inferred": (
        "Der Aufbau des Ledgers wurde erschlossen, nicht benannt: {parts}. Das Manifest nennt die "
        "Spalten, und eine Zuordnung in der Falldatei legt ihn fest."
    ),
    "appendix.limits.tied": (
        "{entries} nannten keine Zahlung und wurden nach Credits und Zeit einer zugeordnet; allein "
        "danach wird niemand beschuldigt."
    ),
    "appendix.glossary": "Glossar",
    "glossary.term.claim": "Aussage",
    "glossary.text.claim": "was eine Methode über eine Zahlung sagt",
    "glossary.term.family": "Familie",
    "glossary.text.family": (
        "Methoden, deren Werte aus einer Quelle stammen: Sitzung, Zuordnung, E-Mail, Name oder "
        "Karte"
    ),
    "glossary.term.person": "Person",
    "glossary.text.person": "Kennungen, die einem Menschen gehören",
    "glossary.term.credited": "gutgeschrieben",
    "glossary.text.credited": "das Konto, das die Credits jetzt hält",
    "glossary.term.rightful": "berechtigt",
    "glossary.text.rightful": "das Konto der Person, die zahlte, soweit die Belege eine nennen",
    "glossary.term.confirmed": "bestätigt",
    "glossary.text.confirmed": (
        "höchstens 2 % Wahrscheinlichkeit für ein falsches Konto, und zwei Familien sind einig"
    ),
    "glossary.term.ambiguous": "mehrdeutig",
    "glossary.text.ambiguous": "die Belege entscheiden nicht; wartet auf Prüfung",
    "glossary.term.unverifiable": "nicht überprüfbar",
    "glossary.text.unverifiable": "weniger als zwei Familien sprechen",
    "glossary.term.reversal": "Rückbuchung",
    "glossary.text.reversal": "eine Ledger-Buchung, die Credits zurücknimmt",
    # rolling window
    "rolling.window": (
        "Dieser Bericht handelt von {first} bis {last}: {inside} von {all} des Falls liegen darin. "
        "Was kein Datum hat, gilt wie jetzt."
    ),
    "rolling.read": (
        "Beurteilt wurden alle Belege des Falls; neu gelesen wurden dafür {bytes} Bytes und {rows} "
        "aus {inputs}, der Rest war aufbewahrt."
    ),
    "rolling.nothing": (
        "Beurteilt wurden alle Belege des Falls; in den Eingaben war nichts Neues."
    ),
    "caption.read_anew": "Was für diesen Bericht neu gelesen wurde",
    "how.new": "neu, ganz gelesen",
    "how.grown": "von seinem bisherigen Ende an gelesen",
    "how.other": "geändert, wieder ganz gelesen",
    "how.gone": "nicht mehr da",
    "column.how": "Wie",
    "column.start": "Ab Byte",
    "noun.input": "Eingabe | Eingaben",
    "noun.row": "Zeile | Zeilen",
    # digest
    "digest.window": "Befunde vom {first} bis {last}",
    "digest.none": "Nichts Neues in diesem Zeitraum.",
    "digest.headline": "{findings} in diesem Zeitraum; {amount} betroffen",
    "digest.total": "{findings} im Fall insgesamt.",
    # dossiers
    "section.history": "Was geschah, der Reihe nach",
    "section.claims": "Wer zahlte, nach Methode und Familie",
    "section.related": "Verwandte Zahlungen",
    "section.payments": "Zahlungen",
    "section.ledger": "Ledger",
    "section.shared": "Was die falschen Zahlungen gemeinsam haben",
    "section.hit": "Wer betroffen ist",
    "caption.history": "Was Stripe, Protokoll und Ledger berichten",
    "caption.same_card_fingerprint": "Andere Zahlungen mit derselben Karte",
    "caption.same_customer_id": "Andere Zahlungen desselben Stripe-Kunden",
    "caption.same_payer_email_key": "Andere Zahlungen mit derselben E-Mail",
    "caption.payments": "Zahlungen, die diese Person leistete oder gutgeschrieben bekam",
    "caption.ledger": "Ledger-Buchungen, die letzten",
    "caption.shared": "Was falsche Zahlungen öfter haben als richtige",
    "caption.hit": "Konten, die Credits verloren, dann Konten, die welche bekamen",
    "caption.possibly_hit": "Zweifelhaft, zur selben Zeit und ähnlich: vielleicht auch betroffen",
    "none.possibly_hit": "Keine zweifelhafte Zahlung teilt Zeit und Merkmale des Vorfalls.",
    "role.lost": "verlor Credits",
    "role.got": "bekam Credits",
    "hit.intro": (
        "Der größte der schwersten Vorfälle: {finding}, {onset} bis {end}. Wen er traf, ist "
        "belegt; was nur möglich ist, steht für sich."
    ),
    "column.id": "Kennung",
    "column.what": "Was",
    "column.kind": "Art",
    "column.running": "Stand danach",
    "column.user_id": "Konto",
    "column.entry_id": "Buchung",
    "column.trait": "Merkmal",
    "column.traits": "Was sie teilen",
    "column.role": "Rolle",
    "column.payments": "Zahlungen",
    "column.share_of_wrong": "Von den falschen",
    "column.share_of_right": "Von den richtigen",
    "column.lift": "Lift",
    "column.q_value": "q-Wert",
    "dossier.no_payment": "Der Fall enthält keine Zahlung.",
    "dossier.no_user": "Der Fall enthält keinen Nutzer.",
    "dossier.payment": "Zahlung {payment}: {verdict}",
    "dossier.user": "Nutzer {user}",
    "dossier.created": "Sitzung angelegt",
    "dossier.completed": "Sitzung abgeschlossen ({status})",
    "dossier.log": "Protokoll",
    "dossier.ledger": "Ledger",
    "dossier.delivery": "{outcome}, durch {method}, für {user}",
    "dossier.entry": "{kind} {delta} auf {user}",
    "shared.intro": (
        "Lift sagt, wievielmal öfter; der q-Wert ist ein exakter Test, korrigiert um die "
        "Zahl der geprüften Merkmale."
    ),
    # repair
    "section.repair": "Was die Korrektur buchen würde",
    "section.persons_needed": "Was ein Mensch entscheiden muss",
    "repair.intro": (
        "Ein Plan, mehr nicht: {counts}. Erst prüfen, dann mit credit-forensics repair buchen."
    ),
    "caption.plan": "Buchungen in ihrer Reihenfolge",
    "caption.persons_needed": "Befunde ohne geplante Buchung",
    "none.plan": "Nichts zu buchen.",
    "column.number": "Nr.",
    "column.status": "Stand",
    "column.action": "Buchung",
    "column.before": "Stand davor",
    "column.already_spent": "Schon verbraucht",
    "plan.offered": "angeboten",
    "plan.held back": "zurückgehalten",
    "plan.needs a person": "von Hand zu entscheiden",
    "plan.settled": "schon erledigt",
    # was sich geändert hat, was zu tun ist, der Filter
    "weights.fold": "Warum diese Gewichte",
    "weights.why": "{level}: in {accuracy} richtig, aus {voices} Zahlungen; genannt von {methods}",
    "weights.prior": "Vorannahme",
    "caption.weights": "Warum jede Stimme so viel wiegt",
    "column.voices": "Gelernt aus",
    "column.weight": "Gewicht",
    "column.named_by": "Genannt von",
    "column.person_id": "Kandidat",
    "entity.payment": "Zahlung",
    "entity.account": "Konto",
    "entity.customer": "Kunde",
    "entity.card": "Karte",
    "entity.incident": "Vorfall",
    "entity.back": "zurück",
    "picker.search": "Suche",
    "picker.payments": (
        "Teil einer Kennung, ein Konto, eine E-Mail, ein Betrag, ein Tag, ein Befund"
    ),
    "picker.accounts": "Teil einer Kontokennung, eine E-Mail, die Kennung einer Zahlung",
    "picker.payment": "Zahlung",
    "picker.account": "Konto",
    "picker.shown": "{shown} von {total}, die schlimmsten zuerst",
    "picker.none": "Nichts passt.",
    "dossier.lost": (
        "Verloren: {credits} aus {payments}{money}; sie liegen anderswo oder wurden nie gebucht."
    ),
    "dossier.lost_none": (
        "Von dem, was dieser Mensch bezahlt hat, fehlt nichts und liegt nichts anderswo."
    ),
    "dossier.got": "Hält {credits}, die andere bezahlt haben, aus {payments}.",
    "caption.methods_of_payment": "Wen jede Methode nennt",
    "section.since": "Seit dem letzten Bericht",
    "section.proof": "Was mit jeder Zahlung geschah, der Reihe nach",
    "proof.intro": (
        "Die Zahlungen der Befunde oben; ausgeklappt steht da, was Stripe, Protokoll und "
        "Ledger angeben."
    ),
    "since.line": "Seit dem letzten Bericht ({started}): {new} neu, {gone} weg, {open} noch offen.",
    "since.less_judged": (
        "Es ließ sich weniger beurteilen als damals; was weg ist, muss nicht erledigt sein."
    ),
    "since.note": "Notiert, und nicht mehr gefunden: {incident} ({owner}: {note}).",
    "caption.new": "Neue Befunde, die schlimmsten zuerst",
    "caption.gone": "Befunde, die es nicht mehr gibt",
    "news.new": "neu",
    "incident.began": "Es begann zwischen {low} und {high}.",
    "incident.singles": "{number} Vorfälle mit je einem Befund.",
    "incident.part_of": "Folge von: {finding} vom {onset}; sein Geld zählt dort.",
    "incident.note": "Zuständig: {owner}. Notiz: {note}",
    "incident.id": "Vorfall {incident}.",
    "incidents.total": "Alle Vorfälle, jede Zahlung einmal",
    "finding.part_of": (
        "Folge von: {finding} derselben Zahlung; wird mit ihm oder nach ihm behoben."
    ),
    "finding.proof": "Was geschah, der Reihe nach",
    "todo.move": "Zu tun: die Credits auf das rechtmäßige Konto verschieben; {command} plant es.",
    "todo.give": "Zu tun: gutschreiben, was fehlt; {command} plant es.",
    "todo.take": "Zu tun: zurücknehmen, was zu viel gebucht ist; {command} plant es.",
    "todo.adjust": "Zu tun: die Credits auf das Gekaufte bringen; {command} plant es.",
    "todo.rebind": "Zu tun: den Kunden an das rechtmäßige Konto binden; {command} plant es.",
    "todo.none": "Zu tun: hier nichts; was liegen blieb, ist ein eigener Befund.",
    "todo.person": "Zu tun: ein Mensch muss entscheiden{why}.",
    "column.counted": "Hier gezählt",
    "sum.accused": "Auf dem Konto eines anderen Menschen",
    "sum.second_ids": "Auf einer zweiten Kennung desselben Menschen",
    "sum.others": "Alles andere",
    "sum.all": "Alles, jede Zahlung einmal",
    "filter.finding": "Befund",
    "filter.all": "alle Befunde",
    "filter.news": "neu seit dem letzten Bericht",
    "filter.text": "Zahlung, Konto oder eine Kennung",
    "filter.placeholder": "ein Teil davon genügt",
    "filter.from": "Von",
    "filter.to": "Bis",
    "filter.reset": "Alles zeigen",
    "filter.shown": "{{shown}} von {{total}} Befunden",
    "appendix.read": "Wie die Daten gelesen wurden",
    "appendix.read.intro": (
        "Jede Eingabe, wofür sie gehalten wurde und was über sie entschieden wurde."
    ),
    "appendix.read.row": "{name}: gehalten für {taken_for}; {rows} Zeilen, {rejects} abgelehnt.",
    "appendix.findings": "Die Befunde, und was jeden beweist",
    "appendix.causes": "Ursachen: {causes}.",
    "index.case": "Fall",
    "index.headline": "Was er sagt",
    "index.trend": "Befunde im Verlauf",
    "index.since": "{new} neu, {gone} weg",
    "index.trend_alt": "Befunde in den Berichten dieses Falls, die ältesten zuerst: {numbers}",
    # index page
    "index.title": "Berichte",
    "index.none": "Hier werden keine Berichte aufbewahrt.",
    "index.caption": "Aufbewahrte Berichte, neueste zuerst",
    "index.report": "Bericht",
    "index.started": "Beginn",
    "index.status": "Ergebnis",
    "index.files": "Dateien",
    "index.hold": "Aufbewahrungspflicht",
    "index.held": "gesperrt",
    "status.ok": "in Ordnung",
    "status.findings": "Befunde",
    "status.failed": "fehlgeschlagen",
}
