"""The report's sentences in English."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "and": "and",
    # page
    "page.title": "Incident report: {case}",
    "page.digest_title": "Daily digest: {case}",
    "page.skip": "Skip to the answers",
    "page.rendered": "rendered {time}",
    "page.window": "payments from {first} to {last}",
    "page.no_window": "no payments with a time",
    "page.mode.hindsight": "judged in hindsight (all evidence but the payment itself)",
    "page.mode.as_of": "judged as of each payment (what could be known then)",
    "page.masked": (
        "Personal data is masked by a keyed hash; the same person has the same mask in every "
        "report of this case."
    ),
    "page.revealed": "Personal data is revealed in this report (--reveal). Handle it accordingly.",
    "page.failed": "This run failed",
    "page.failed_text": (
        "{error} in cell {cell}. What was computed before stands below; nothing after it was "
        "computed. The cause is in the notebook beside this page, without values."
    ),
    "page.cell_failed": "Cell {cell} failed: {error}.",
    "page.no_script": "Charts need JavaScript; the tables say the same.",
    "page.chart": "Chart",
    "page.contents": "Contents",
    "page.copy": "copy",
    "page.copied": "Copied:",
    "page.fold_all": "Fold all sections",
    "page.unfold_all": "Unfold all sections",
    # headline
    "headline.findings": "{findings} on {payments}; {amount} at stake",
    "headline.none": "No finding on {payments}",
    "headline.none_judged": "No finding in the {share} of {payments} that could be judged",
    "headline.judged": "Judged: {shares}.",
    "headline.unjudged": "Not judged: {parts}.",
    "short.happened": (
        "{finding}{cause}: {findings}, {accounts} hit{money}, from {onset} to {end}. {going_on}"
    ),
    "short.money": ", {amount}",
    "short.goes_on": "It may still go on.",
    "short.ended": "It has ended.",
    "short.unknown": "Whether it goes on cannot be told.",
    "short.apart": (
        "{share} of the wrong payments have {trait} {value}, and {others} of the others "
        "(lift {lift})."
    ),
    "short.alike": "Nothing that was recorded sets the wrong payments apart from the others.",
    "short.besides": "Besides: {kinds}.",
    "short.others": "{number} others",
    "short.follow": "{number} that follow from one of these",
    "short.now": "Now: {steps}.",
    "short.step": "{command} {what}",
    "short.repair": "writes a plan of {count}",
    "short.review": "asks about {count}",
    "short.doctor": "says what is missing to judge {count}",
    "trait.frontend_version": "front-end version",
    "trait.browser": "browser",
    "trait.handler_method": "handler method",
    "trait.price": "price",
    "trait.hour": "hour (UTC)",
    "trait.preset_customer": "customer",
    "headline.unsure": "Waiting for review: {ambiguous}; {unverifiable} cannot be verified.",
    "headline.practices": "Passed over as the shop's practice: {objects}; the gaps say what.",
    "headline.paid_by_another": "Paid by somebody else than the account's owner, as a boss or a "
    "parent may: {payments}; credit-forensics review asks once a pair.",
    "tile.hit": "accounts hit",
    "tile.payments": "payments judged",
    "tile.rejects": "rejected lines",
    # nouns: of one and of many
    "noun.payment": "payment | payments",
    "noun.finding": "finding | findings",
    "noun.credit": "credit | credits",
    "noun.account": "account | accounts",
    "noun.id": "id | ids",
    "noun.person": "person | persons",
    "noun.family": "independent family | independent families",
    "noun.delivery": "delivery | deliveries",
    "noun.balance": "stored balance | stored balances",
    "noun.correction": "correction | corrections",
    "noun.entry": "purchase entry | purchase entries",
    "noun.reject": "rejected line | rejected lines",
    # the ten questions
    "section.answers": "Ten questions, answered",
    "question.1": "Where are the credits now?",
    "question.2": "Was it delivered, verified and booked?",
    "question.3": "Who paid, and which ids are one person?",
    "question.4": "Do the methods agree, and from how many families?",
    "question.5": "Is the balance truly zero?",
    "question.6": "Wrong person, or an orphaned id?",
    "question.7": "Booked twice, or forged?",
    "question.8": "Do the credits match the price?",
    "question.9": "Which version did it, and who else is hit?",
    "question.10": "What must be corrected, and is it done?",
    "answers.focus": (
        "About payment {payment}, the worst of this case, and about the case as a whole."
    ),
    "answers.focus_window": (
        "About payment {payment}, the worst of this window, and about the window as a whole."
    ),
    "answers.focus_chosen": "About payment {payment}, as asked, and about the case as a whole.",
    "answers.no_focus": "About the case as a whole: there is no payment to single out.",
    "answer.held": "The {credits} of {payment} are on {holders}.",
    "answer.held_none": "No account holds credits of {payment}.",
    "answer.holder": "{user} ({credits})",
    "answer.elsewhere": (
        "{elsewhere} of {payments} have credits on another account than the payer's."
    ),
    "answer.gates_passed": (
        "{payment} passed every gate: event {event}, {deliveries} in the log, {signature}, "
        "booked {booked}."
    ),
    "answer.gates_booked_unlogged": ("{payment} was booked {booked}; no log shows its delivery."),
    "answer.gate_not_paid": "{payment} was not paid, so nothing had to be booked.",
    "answer.gate_not_delivered": (
        "{payment} stopped before the handler: the log shows no delivery ({event})."
    ),
    "answer.gate_unlogged": (
        "{payment} was not booked, and no log covers it, so the gate that stopped it is unknown."
    ),
    "answer.gate_signature_refused": "{payment} stopped at the signature: it was refused.",
    "answer.gate_resolution_failed": (
        "{payment} stopped at resolution: the handler found no user."
    ),
    "answer.gate_not_booked": (
        "{payment} stopped at the ledger: delivered, but no entry ({outcome})."
    ),
    "answer.no_event": "no Stripe event",
    "answer.signature_ok": "signature verified",
    "answer.signature_untold": "signature not told",
    "answer.booked_case": "{booked} of {paid} paid payments are booked{stopped}.",
    "answer.stopped": "; stopped: {gates}",
    "answer.paid_by": "{payment} was paid by {rightful} with {probability} probability.",
    "answer.paid_by_plain": "{payment} was paid by {rightful}.",
    "answer.payer_unknown": "Nothing tells with certainty who paid {payment}.",
    "answer.one_person": "{rightful} and {credited} are one person.",
    "answer.two_persons": "{credited} is another person.",
    "answer.persons_case": "{ids} make {persons}; {several} have more than one id.",
    "answer.families": "For {payment} {families} speak: {voices}.",
    "answer.voice": "{families} names {person}",
    "answer.voices": "{families} name {person}",
    "answer.no_family": "For {payment} no family speaks.",
    "answer.families_case": (
        "Over all: families agree in {agree}, contradict each other in {differ}, and fewer than "
        "two speak in {few}."
    ),
    "answer.balance": "{user}: stored {stored}, ledger {summed}.",
    "answer.balance_unread": (
        "{user}: no stored balance could be read; the ledger sums to {summed}."
    ),
    "answer.balance_case_ok": "{balances} read; none differs from its ledger.",
    "answer.balance_case_usual": (
        "{balances} read; none differs from its ledger, some as of an earlier time; "
        "the gaps say how many."
    ),
    "answer.balance_case_drift": "{drift} of {balances} differ from their ledger.",
    "answer.balance_case_unreadable": (
        "The stored balances could not be read, so a zero there means nothing."
    ),
    "answer.kind_wrong_user": "{payment}: another person{cause}.",
    "answer.kind_split_identity": "{payment}: another id of the same person.",
    "answer.kind_unknown_user": "{payment}: an id that no account has.",
    "answer.kind_other": "{payment}: {finding}.",
    "answer.kind_none": "{payment}: neither; the credits are where they belong.",
    "answer.kind_unsure": "{payment}: not settled ({verdict}).",
    "answer.kinds_case": (
        "{wrong} on another person, {split} on another id of the same person, {unknown} on an id "
        "without an account."
    ),
    "answer.grants": "{payment} was granted {grants} times.",
    "answer.grant_once": "{payment} was granted once.",
    "answer.grant_never": "{payment} was never granted.",
    "answer.twice_case": (
        "{twice} booked more than once; {orphan} without a payment; {unpaid} booked unpaid, "
        "{test} in test mode."
    ),
    "answer.price": "{payment}: {granted} granted, the price is worth {expected}.",
    "answer.price_unknown": "{payment}: what its price is worth is not known.",
    "answer.price_case_usual": (
        "No booked payment differs from its price but by the shop's practice; "
        "the gaps say how many."
    ),
    "answer.price_case_ok": "No booked payment differs from its price.",
    "answer.price_case_wrong": "{wrong} booked with other credits than the price is worth.",
    "answer.version": "{payment}: {facts}.",
    "answer.version_unknown": "{payment}: neither log nor metadata tells the version.",
    "answer.version_handler": "handler method {method}",
    "answer.version_key": "{key} {value}",
    "answer.hit_case": "{accounts} hit by {findings}{shared}.",
    "answer.hit_shared": (
        "; {share} of the wrong payments and {others} of the others have {trait} {value}"
    ),
    "answer.hit_none": "Nobody else is hit.",
    "answer.correct_move": "Take {credits} from {credited} and give them to {rightful}",
    "answer.correct_grant": "Grant {credits} to {rightful}",
    "answer.correct_grant_unknown": "Grant {credits} once it is known who paid",
    "answer.correct_take": "Take {credits} back from {credited}",
    "answer.correct_adjust": "Bring the credits of {credited} to what the price is worth",
    "answer.correct_rebind": "Bind the customer of {payment} to {rightful}",
    "answer.correct_review": "Review {payment} by hand before anything is moved",
    "answer.correct_none": "{payment} needs no correction.",
    "answer.applied": "{what}; a counter-entry is in the ledger ({entries}).",
    "answer.not_applied": "{what}; not applied yet.",
    "answer.corrections_case": "{corrections} open in all, {credits} to move.",
    "answer.corrections_case_none": "No correction is open.",
    # sections
    "section.findings": "Findings by severity",
    "section.worst": "The worst cases, every method side by side",
    "section.waterfalls": "Why: the evidence for each candidate",
    "section.timeline": "When it happened",
    "section.flow": "Where the credits went",
    "section.methods": "The methods side by side",
    "section.trust": "How far to trust the probabilities",
    "trust.intro": (
        "A probability is the model's, from how often the families agree with each other in "
        "this case. It is of the account: that who paid is another person and does not pay for "
        "this account."
    ),
    "trust.uncalibrated": (
        "They are model-based and uncalibrated: too few payments were labelled by people to "
        "check them. credit-forensics review takes labels."
    ),
    "trust.calibrated": (
        "{method}. On {labels} labels: Brier score {brier}, skill over the base rate {skill}, "
        "calibration error {ece}; 95 % bootstrap intervals."
    ),
    "trust.no_pairs": "No two families are expected to have been wrong together.",
    "trust.sensitivity": (
        "{firm} of {total} payments ({share}) would keep their verdict if any one family were "
        "left out."
    ),
    "caption.pairs": (
        "Families that name the same wrong person more often than independence allows"
    ),
    "column.first_family": "Family",
    "column.second_family": "and family",
    "column.both_wrong": "Both wrong (expected)",
    "column.share": "Same person",
    "column.independent": "If independent",
    "column.ratio": "Times",
    "section.incidents": "Incidents",
    "section.coverage": "What the evidence covers, and what it does not",
    "section.manifest": "Manifest",
    "section.appendix": "Appendix",
    "section.new": "Found in this window",
    "none.findings": "No findings. All checks ran; each of them found nothing.",
    "findings.not_run": "These checks could not run, so they prove nothing: {names}.",
    "none.worst": "No payment has a finding.",
    "none.waterfalls": "No payment has candidates to compare.",
    "none.incidents": "No incidents.",
    "none.rows": "No rows.",
    "none.gaps": "No gaps: every source held what it should.",
    "table.n_of_m": "{shown} of {total}",
    "table.csv": "All {total} rows are in {file} beside this page (SHA-256 {sha}).",
    "caption.by_finding": "Findings by kind",
    "caption.findings": "The findings, worst first",
    "caption.worst": "Whom each method names, worst payments first",
    "caption.methods": (
        "Each method: how often it speaks, agrees, conflicts and explains the ledger"
    ),
    "caption.incidents": "Incidents, gravest first",
    "caption.inputs": "Inputs as they were read",
    "caption.coverage": "The span each source covers",
    "caption.gaps": "Gaps",
    "caption.rejects": "Rejected lines by reason",
    "caption.versions": "Versions and parameters",
    "caption.verdicts": "Payments by verdict",
    "caption.accuracies": "What the model learned of each family",
    "worst.legend": (
        "= payer: names the person who paid; = credited: names the account that got the credits "
        "although another person paid; other: a third user; empty: the method is silent. Methods "
        "under one family are copies of one value and have one voice."
    ),
    "worst.payer": "= payer",
    "worst.credited": "= credited",
    "worst.other": "other",
    "worst.done": "what was done",
    "waterfall.sentence": "{payment}: {verdict}. {explanation}",
    "waterfalls.intro": (
        "A bar is the weight of one family's voice; a person's bars add up exactly to the score. "
        "Only independent families add."
    ),
    "incidents.intro": "Findings of one kind and cause that hang together.",
    "manifest.hash": "SHA-256 of {file}, as sha256sum gives it: {sha}.",
    "manifest.whole": "The manifest as it is",
    "manifest.intro": "The same inputs give the same findings, byte for byte.",
    # column headings
    "column.payment_id": "Payment",
    "column.event_id": "Event",
    "column.finding": "Finding",
    "column.cause": "Cause",
    "column.severity": "Severity",
    "column.credited_user_id": "Credited",
    "column.rightful_user_id": "Rightful",
    "column.probability": "Probability",
    "column.credits": "Credits",
    "column.amount": "Amount",
    "column.created_at": "When",
    "column.explanation": "Explanation",
    "column.count": "Count",
    "column.method": "Method",
    "column.family": "Family",
    "column.coverage": "Speaks",
    "column.agreement": "Agrees",
    "column.conflicts": "Conflicts",
    "column.explains_ledger": "Explains ledger",
    "column.incident_id": "Incident",
    "column.onset": "Onset",
    "column.end": "End",
    "column.findings": "Findings",
    "column.users": "Accounts",
    "column.summary": "Summary",
    "column.name": "Input",
    "column.taken_for": "Taken for",
    "column.size": "Bytes",
    "column.rows": "Rows",
    "column.rejects": "Rejects",
    "column.sha256": "SHA-256",
    "column.source": "Source",
    "column.since": "Since",
    "column.until": "Until",
    "column.read": "Read",
    "column.tied": "Tied",
    "column.recognised": "Recognised",
    "column.reason_silent": "What is absent there is not known, because",
    "column.first_at": "First",
    "column.last_at": "Last",
    "column.row_count": "Rows",
    "column.object": "Object",
    "column.problem": "Problem",
    "column.consequence": "Consequence",
    "column.file": "File",
    "column.reason": "Reason",
    "column.key": "Name",
    "column.value": "Value",
    "column.verdict": "Verdict",
    "column.level": "Level",
    "column.accuracy": "Accuracy",
    # codes
    "severity.critical": "critical",
    "severity.high": "high",
    "severity.medium": "medium",
    "severity.low": "low",
    "verdict.confirmed": "confirmed",
    "verdict.misattributed": "misattributed",
    "verdict.paid_by_another": "paid by another",
    "verdict.split_identity": "split identity",
    "verdict.ambiguous": "ambiguous",
    "verdict.unverifiable": "unverifiable",
    "verdict.unresolved": "unresolved",
    "verdict.undetermined": "undetermined",
    "verdict.not_credited": "not credited",
    "verdict.not_for_credits": "not for credits",
    "verdict.not_paid": "not paid",
    "cause.unknown": "cause unknown",
    "family.session": "session",
    "family.mapping": "mapping",
    "family.email": "e-mail",
    "family.name": "name",
    "family.card": "card",
    # appendix
    "appendix.method": "Method",
    "appendix.method.1": (
        "Every way of telling who paid is asked for every payment. Each belongs to an evidence "
        "family by where its value came from, and a family has one voice: copies of one value "
        "agree when it is right and when it is wrong, so their agreement is no evidence."
    ),
    "appendix.method.2": (
        "Families are weighed by a one-coin Dawid-Skene model: the weight of a voice is "
        "ln(n·a/(1−a)), a being the family's accuracy at its level and n the number of effective "
        "false values. A candidate's score is the sum of the weights that name it, and its "
        "probability the softmax over the candidates and someone whom nobody names."
    ),
    "appendix.method.3": (
        "Ids are grouped into persons before anyone says wrong: the same human under a second id "
        "is a split identity. A payment is never its own witness, nor is a binding that it wrote."
    ),
    "appendix.limits": "Limits",
    "appendix.limits.1": (
        "Fewer than two families with a voice make a payment unverifiable, never confirmed."
    ),
    "appendix.limits.2": (
        "An absence counts only where the evidence covers it; outside the span of the log or of "
        "the events a payment is undetermined, never missing. Stripe keeps events for 30 days."
    ),
    "appendix.limits.3": (
        "Probabilities come from the model unless reviewed labels calibrated them; a probability "
        "is no proof, and nothing is moved by this report."
    ),
    "appendix.limits.priors": (
        "Here fewer than three families had data, so accuracies could not be learned: the priors "
        "stand."
    ),
    "appendix.limits.inferred": (
        "The layout of the ledger was inferred, not named: {parts}. The manifest says by which "
        "columns, and a mapping in the case file settles it."
    ),
    "appendix.limits.tied": (
        "{entries} named no payment and were tied to one by credits and time; such a tie accuses "
        "nobody by itself."
    ),
    "appendix.glossary": "Glossary",
    "glossary.term.claim": "claim",
    "glossary.text.claim": "what one method says of one payment",
    "glossary.term.family": "family",
    "glossary.text.family": (
        "methods whose values come from one place: session, mapping, e-mail, name or card"
    ),
    "glossary.term.person": "person",
    "glossary.text.person": "ids that belong to one human",
    "glossary.term.credited": "credited",
    "glossary.text.credited": "the account that holds the credits now",
    "glossary.term.rightful": "rightful",
    "glossary.text.rightful": (
        "the account of the person who paid, as far as the evidence names one"
    ),
    "glossary.term.confirmed": "confirmed",
    "glossary.text.confirmed": (
        "probability of a wrong account at most 2 %, and two families agree"
    ),
    "glossary.term.ambiguous": "ambiguous",
    "glossary.text.ambiguous": "the evidence does not decide; waits for review",
    "glossary.term.unverifiable": "unverifiable",
    "glossary.text.unverifiable": "fewer than two families speak",
    "glossary.term.reversal": "reversal",
    "glossary.text.reversal": "a ledger entry that takes credits back",
    # rolling window
    "rolling.window": (
        "This report is about {first} to {last}: {inside} of the {all} of the case lie in it. "
        "What has no date is as it is now."
    ),
    "rolling.read": (
        "All evidence of the case was judged; read anew for it were {bytes} bytes and {rows} of "
        "{inputs}, the rest was kept."
    ),
    "rolling.nothing": "All evidence of the case was judged; nothing was new in its inputs.",
    "caption.read_anew": "What was read anew for this report",
    "how.new": "new, read whole",
    "how.grown": "read from where it ended",
    "how.other": "changed, read whole again",
    "how.gone": "no longer there",
    "column.how": "How",
    "column.start": "From byte",
    "noun.input": "input | inputs",
    "noun.row": "row | rows",
    # digest
    "digest.window": "Findings dated {first} to {last}",
    "digest.none": "Nothing new in this window.",
    "digest.headline": "{findings} in this window; {amount} at stake",
    "digest.total": "{findings} in the case as a whole.",
    # dossiers
    "section.history": "What happened, in order",
    "section.claims": "Who paid, by each method and family",
    "section.related": "Payments that are related",
    "section.payments": "Payments",
    "section.ledger": "Ledger",
    "section.shared": "What the wrong payments share",
    "section.hit": "Who is hit",
    "caption.history": "What Stripe, the log and the ledger tell",
    "caption.same_card_fingerprint": "Other payments with the same card",
    "caption.same_customer_id": "Other payments of the same Stripe customer",
    "caption.same_payer_email_key": "Other payments with the same e-mail",
    "caption.payments": "Payments made by, or credited to, this person",
    "caption.ledger": "Ledger entries, the last ones",
    "caption.shared": "What wrong payments have more often than right ones",
    "caption.hit": "Accounts that lost credits, then accounts that got them",
    "caption.possibly_hit": "In doubt, in the same time, and alike: possibly hit too",
    "none.possibly_hit": "No payment in doubt shares the incident's time and traits.",
    "role.lost": "lost credits",
    "role.got": "got credits",
    "hit.intro": (
        "The largest of the gravest incidents: {finding}, {onset} to {end}. Whom it hit is "
        "proved; what is only possible stands apart."
    ),
    "column.id": "Id",
    "column.what": "What",
    "column.kind": "Kind",
    "column.running": "Balance after",
    "column.user_id": "Account",
    "column.entry_id": "Entry",
    "column.trait": "Trait",
    "column.traits": "What they share",
    "column.role": "Part",
    "column.payments": "Payments",
    "column.share_of_wrong": "Of the wrong",
    "column.share_of_right": "Of the right",
    "column.lift": "Lift",
    "column.q_value": "q value",
    "dossier.no_payment": "The case has no payment.",
    "dossier.no_user": "The case has no user.",
    "dossier.payment": "Payment {payment}: {verdict}",
    "dossier.user": "User {user}",
    "dossier.created": "session created",
    "dossier.completed": "session completed ({status})",
    "dossier.log": "log",
    "dossier.ledger": "ledger",
    "dossier.delivery": "{outcome}, by {method}, for {user}",
    "dossier.entry": "{kind} {delta} on {user}",
    "shared.intro": (
        "Lift is how many times more often; the q value is an exact test, corrected for "
        "how many traits were tried."
    ),
    # repair
    "section.repair": "What the repair would book",
    "section.persons_needed": "What needs a person",
    "repair.intro": (
        "A plan, and nothing more: {counts}. Review it, then book it by credit-forensics repair."
    ),
    "caption.plan": "Entries in the order of booking",
    "caption.persons_needed": "Findings that no entry is planned for",
    "none.plan": "Nothing to book.",
    "column.number": "No.",
    "column.status": "Status",
    "column.action": "Entry",
    "column.before": "Balance before",
    "column.already_spent": "Spent already",
    "plan.offered": "offered",
    "plan.held back": "held back",
    "plan.needs a person": "for a person to decide",
    "plan.settled": "settled already",
    # what changed, what to do, the filter
    "weights.fold": "Why these weights",
    "weights.why": "{level}: right in {accuracy}, from {voices} payments; named by {methods}",
    "weights.prior": "prior",
    "caption.weights": "Why each voice weighs what it weighs",
    "column.voices": "Learned from",
    "column.weight": "Weight",
    "column.named_by": "Named by",
    "column.person_id": "Candidate",
    "entity.payment": "payment",
    "entity.account": "account",
    "entity.customer": "customer",
    "entity.card": "card",
    "entity.incident": "incident",
    "entity.back": "back",
    "picker.search": "Search",
    "picker.payments": "part of any id, an account, an e-mail, an amount, a day, a finding",
    "picker.accounts": "part of an account's id, an e-mail, a payment's id",
    "picker.payment": "Payment",
    "picker.account": "Account",
    "picker.shown": "{shown} of {total}, the worst first",
    "picker.none": "Nothing matches.",
    "dossier.lost": (
        "Lost: {credits} of {payments}{money}, which lie elsewhere or were never booked."
    ),
    "dossier.lost_none": "Nothing that this person paid for is found missing or elsewhere.",
    "dossier.got": "Holds {credits} that others paid for, from {payments}.",
    "caption.methods_of_payment": "Whom each method names",
    "section.since": "Since the last report",
    "section.proof": "What happened to each payment, in order",
    "proof.intro": (
        "The payments of the findings above; unfold one to see what Stripe, the log and the "
        "ledger state."
    ),
    "since.line": "Since the last report ({started}): {new} new, {gone} gone, {open} still open.",
    "since.less_judged": "Less could be judged than then, so what is gone need not be settled.",
    "since.note": "Noted, and no longer found: {incident} ({owner}: {note}).",
    "caption.new": "New findings, worst first",
    "caption.gone": "Findings that are no longer found",
    "news.new": "new",
    "incident.began": "It began between {low} and {high}.",
    "incident.singles": "{number} incidents of one finding each.",
    "incident.part_of": ("Follows from {finding} of {onset}; its money is counted there."),
    "incident.note": "Owner: {owner}. Note: {note}",
    "incident.id": "Incident {incident}.",
    "incidents.total": "All incidents, each payment once",
    "finding.part_of": (
        "Follows from the {finding} of the same payment, and is mended with it or after it."
    ),
    "finding.proof": "What happened, in order",
    "todo.move": "To do: move the credits to the rightful account; {command} plans it.",
    "todo.give": "To do: grant what is missing; {command} plans it.",
    "todo.take": "To do: take back what was booked too much; {command} plans it.",
    "todo.adjust": "To do: bring the credits to what was bought; {command} plans it.",
    "todo.rebind": "To do: bind the customer to the rightful account; {command} plans it.",
    "todo.none": "To do: nothing here; what it left undone is a finding of its own.",
    "todo.person": "To do: a person must decide{why}.",
    "column.counted": "Counted here",
    "sum.accused": "On another person's account",
    "sum.second_ids": "On a second id of the same person",
    "sum.others": "Everything else",
    "sum.all": "All, each payment once",
    "filter.finding": "Finding",
    "filter.all": "all findings",
    "filter.news": "new since the last report",
    "filter.text": "Payment, account or any id",
    "filter.placeholder": "part of it is enough",
    "filter.from": "From",
    "filter.to": "To",
    "filter.reset": "Show all",
    "filter.shown": "{{shown}} of {{total}} findings",
    "appendix.read": "How the data was read",
    "appendix.read.intro": "Each input, what it was taken for, and what was decided about it.",
    "appendix.read.row": "{name}: taken for {taken_for}; {rows} rows, {rejects} rejected.",
    "appendix.findings": "Findings, and what proves each",
    "appendix.causes": "Causes: {causes}.",
    "index.case": "Case",
    "index.headline": "What it says",
    "index.trend": "Findings over time",
    "index.since": "{new} new, {gone} gone",
    "index.trend_alt": "Findings in the reports of this case, oldest first: {numbers}",
    # index page
    "index.title": "Reports",
    "index.none": "No reports are kept here.",
    "index.caption": "Kept reports, newest first",
    "index.report": "Report",
    "index.started": "Started",
    "index.status": "Status",
    "index.files": "Files",
    "index.hold": "Legal hold",
    "index.held": "held",
    "status.ok": "ok",
    "status.findings": "findings",
    "status.failed": "failed",
}
