"""The word lists of polarity: opposites, negations, and forms rewritten before they are read."""

from __future__ import annotations

import re

from retrieval.words import stem

_OPPOSITES = """
amount: increase increases increased increasing rise rises rising rose risen grow grows grew grown growing up raise raised raises higher high hotter more larger bigger greater gain gained improve improved improves climb climbs climbed soar soars soared jump jumps jumped surge surges surged advanced expand expands expanded extended widen widens widened boost boosts boosted dearer doubled tripled strengthened longer faster stieg stiegen gestiegen erhöht aumentó aumentaron subió | decrease decreases decreased decreasing slip slips slipped slid slide slides sink sinks sank shrink shrinks plunge plunges plunged slump slumps slumped dip dips dipped ease eased erode eroded lessen lessened fall falls fell fallen drop drops dropped decline declined declines decline down lower low less fewer smaller reduce reduced reduces shrank shrunk cut narrowed cheaper shorter slower halved lowered weakened shortened worse sank sanken gesunken disminuyó disminuyeron bajó | unchanged same stable constant fixed | change changes changing vary varies
bound: ⟨least⟩ ⟨above⟩ minimum | ⟨most⟩ ⟨below⟩ maximum
order: after afterwards nach nachdem después | before beforehand prior vor bevor antes
open: open opens opened opening reopen reopens reopened abierto geöffnet | close closes closed closing shut geschlossen cerrado
switch: on | off
accept: approve approves approved approval accept accepts accepted agree agreed adopted granted grants grant passed upheld allow allowed allows permit permitted permits | reject rejects rejected rejection refuse refused refuses declined dismissed defeated failed turned-down disapproved
propose: propose proposes proposed recommend recommends recommended suggest suggests suggested advise advises advised support supported supports favour favoured | oppose opposes opposed
include: include includes included including covers covered cover eligible | exclude excludes excluded excluding ineligible barred
advance: advance | arrears
presence: present attend attends attended there | absent excused misses missed missing
side: landlord lessor owner owners vermieter | tenant lessee mieter
trade: seller vendor supplier provider verkäufer | buyer purchaser customer käufer
work: employer arbeitgeber | employee arbeitnehmer
loan: lender | borrower
lend: lend lends lent lending | borrow borrows borrowed borrowing
deal: sell sells sold sale sales selling | buy buys bought buying purchase purchases purchased acquire acquires acquired acquisition
let: let lets letting | rents rented renting leases leased leasing hires
lead: precede precedes preceded | succeed succeeds succeeded
supply: supply supplies supplied deliver delivers delivered delivery | gets receives received obtains bought
guilt: guilty | innocent
pass: pass passed won | fail failed lost
rank: ahead | behind
balance: surplus profit profits | deficit deficits loss losses
inner: internal inside within | external outside beyond
fixed: permanent | temporary
must: mandatory obligatory compulsory required | optional voluntary
wet: wet | dry
ordinal: first | last
hand: leftwards | rightwards
north: north northern | south southern
east: east eastern | west western
form: orally oral verbally verbal | written writing
gender: women woman female | men man male
net: gross | net
level: upper | lower
survive: survive survived survives spared intact preserved saved | destroyed demolished ruined perished wrecked lost
age: older elderly | younger
place: rural | urban towns town
begin: start starts started begin begins began commence commences | end ends ended expire expires expired finish finishes finished terminate terminates terminated termination
stay: stay stays stayed remain remains remained | leave leaves left
valid: valid | void lapses lapsed
fill: full | empty
work place: domestic | foreign abroad
majority: majority | minority
trade way: import imports imported | export exports exported
blame: praise praises praised welcome welcomes welcomed | criticise criticises criticised
hire: hire hires hired appoint appoints appointed engaged | fire fires fired dismiss dismissed
strong: strong strongest | weak weakest
best: best | worst
win: win wins won | lose loses lost
old: old older | new newer
sign: sign signs signed | unsigned
clear: clear unobstructed | blocked obstructed
legal: legal lawful | illegal unlawful
front: front | rear
early: early earlier earliest | late later latest
"""  # fmt: skip  # noqa: E501
POLES: dict[str, tuple[tuple[str, int], ...]] = {}
"""The groups of each word, and its side in them: "declined" is less, or refused."""
for _line in _OPPOSITES.strip().splitlines():
    _name, _, _rest = _line.partition(":")
    for _pole, _words in enumerate(_rest.split("|")):
        for _word in _words.split():
            POLES[_word] = (*POLES.get(_word, ()), (_name, _pole))

POLE_STEMS = frozenset(map(stem, POLES))
CONVERSE = frozenset({"lend", "deal", "supply", "lead", "let"})
"""What the one does with something, the other does from the other side."""
DENYING = frozenset({"accept", "include", "pass", "propose"})
"""Whose second pole is a negation where the other clause has neither: rejected, excluded."""
EXPLAINING = frozenset({"switch", "open", "presence", "valid"})
"""Whose second pole may stand for a negation: "closed" for "cannot be used"."""
_A_NUMBER = (
    r"(?= (?:(?!in|on|at|of|by|to|for|the)[a-z]{1,3} |[€£$] ?)?"
    r"(?:\d|one\b|two\b|three\b|four\b|five\b|six\b|seven\b"
    r"|eight\b"
    r"|nine\b"
    r"|ten\b|eleven\b|twelve\b|twenty\b|thirty\b|fifty\b|hundred\b))"
)
_NEGATIONS_WORDS = (
    "not no never none neither nor cannot nobody nothing forbidden prohibited "
    "banned lack lacks lacked lacking forbids forbid prohibits "
    "nicht kein keine keinen keiner nie niemals verboten nunca tampoco ni "
    "prohibido"
)
NEGATIONS = frozenset(_NEGATIONS_WORDS.split())
REWRITTEN = (
    (r"\b(?:no|not) later than (?=\w+ (?:\w+ )?(?:hour|day|week|month)s? (?:before|prior|ahead))",
     " ⟨least⟩ "),
    (r"\bthe (year|month|quarter|week|day) before\b", r" previous \1 "),
    (r"\bafter (?=(?:[a-z]{3} |[€£$])?\d[\d.,]* ?(?:million |% )?(?:in|before|the|last)\b)", " "),
    (r"\b(?:not|no|never) (?=(?:\w+ ){0,10}unless\b)|\bcannot (?=(?:\w+ ){0,10}unless\b)", " "),
    # What is negated only in form, or is a bound and no direction.
    (r"\b(?:no|not|never) (?:\w+ ){0,2}?(?:more|later|longer|higher|greater) than\b"
     r"|\bat (?:the )?most\b"
     r"|\b(?:may|must|shall|should|can|does|do|will)? ?(?:not|never) exceed(?:ing)?\b|\bup to\b"
     r"|\bcapped(?: at)?\b|\blimited to(?= \W*\w* ?\d)|\ba maximum of\b|\bor (?:less|fewer)\b"
     r"|\bmaximum\b|\bwithin (?=(?:an?|\d+|\w+) (?:\w+ )?"
     r"(?:second|minute|hour|day|week|month|year))"
     r"|\bby no more than\b|\bmax\.|\bhöchstens\b|\bcomo máximo\b",
     " ⟨most⟩ "),
    (r"\b(?:no|not|never) (?:\w+ ){0,2}?(?:less|fewer|earlier|lower|sooner|shorter) than\b"
     r"|\bminimum\b|\bat (?:the )?least\b|\bor more\b"
     r"|\ba minimum of\b|\bmin\.|\band older\b|\bmindestens\b|\bal menos\b|\bcomo mínimo\b",
     " ⟨least⟩ "),
    (rf"\b(?:more|higher|greater|hotter|older|longer|later) than"
     rf"{_A_NUMBER}"
     r"|\bby (?:more|greater) than\b"
     r"|\b(?:(?:ris|climb)(?:es?|s|ing|en)|rose|climbed|goes|went) (?:above|over)\b"
     r"|\b(?:over|above|exceed\w*)\b", " ⟨above⟩ "),
    (r"\b(?:less|lower|fewer|smaller|younger|shorter) than"
     rf"{_A_NUMBER}"
     r"|\bby (?:less|fewer) than\b|\b(?:did|do|does|will) not reach\b"
     r"|\b(?:(?:fall|drop|sink|stay)(?:s|ing|ped|ed)?|fell|sank|fallen|goes|went) (?:under|below)\b"
     r"|\b(?:under|below)\b", " ⟨below⟩ "),
    (r"\b(?:(?:did|do|does|has|have|was) not|no) chang(?:e|ed|es)\b", " unchanged "),
    (r"\bnot (?=(?:\w+ ){0,6}until\b)", " "),
    (r"\bnot only\b", " "),
    (r"\b(?:up|down)\b(?! (?:from|by|to|on|at|\d|[€£$]))", " "),
    (r"\bbefore (?:the )?(\w+) at the latest\b", r" before \1 ⟨least⟩ "),
    (r"\bat the latest\b", " ⟨most⟩ "),
    (r"\bat the earliest\b", " ⟨least⟩ "),
    (r"\b(?:not|no|never) (?=(?:\w+ ){0,6}(?:anyone|anybody|anything) (?:but|other than|except)\b)",
     " "),
    (r"\bfree (?:of(?! charge)|from)\b", " no "),
    (r"\b(?:fail(?:s|ed|ing)?|refus(?:e|es|ed|ing)) to\b", " not "),
    (r"\b(?:turn|vot|thr)(?:ed|s|ing|ew|own)? down\b", " rejected "),
    (r"\b(?:is|are|was|were) against\b", " opposed "),
    (r"\b(?:rents|rented|leases|leased)(?: out\b| (?=(?:[\w'’-]+ ){1,4}to (?!\d)))", " lets "),
    (r"(?<=\t)(?:no|yes)(?=\t|$)", " "),
    (r"\bout[- ]of[- ]court\b", " not court "),
    (r"\b(?:campaign\w*|fought|protest\w*|spoke|vot(?:ed|ing)) (?:for|in favou?r of)\b",
     " supported "),
    (r"\b(?:campaign\w*|fought|protest\w*|spoke|speaks?|vot(?:ed|ing)|argued|advis\w+|recommend\w*|decided)"
     r" against\b", " opposed "),
    (r"\bcarried(?= (?:unanimously|by (?:a |\w+ votes?\b)))", " adopted "),
    (r"\b(?:in|into|taken|take) (?:part|effect|force)\b", " "),
    (r"\b(?:on|to|at) the left\b|\bleft[- ](?:side|hand)\b", " leftwards "),
    (r"\b(?:on|to|at) the right\b|\bright[- ](?:side|hand)\b", " rightwards "),
    (r"\blast (?=year|month|week|quarter|season|winter|summer)", " "),
    (r"(?<=\t)[-−](?=\d)", " decreased "),
    (r"(?<=\t)\+(?=\d)", " increased "),
    (r"\bout of (?:order|service)\b", " not "),
    (r"\b(?:order|item|article|invoice|account|part|serial|policy|contract|ref\w*) no\b\.?"
     r"|\bno\.(?=\t)",
     " "),
    (r"\bat present\b", " "),
    (r"\bno\.? ?(?=nr\b|number\b|\d)", " "),
    (r"\b(\w+)n['’]t\b", r"\1 not "),
    (r"\bcannot\b", " can not "),
    (r"\bno (?=(?:puede|es|debe|se|cubre|está|son|hay|ha)\b)", " nunca "),
)  # fmt: skip
WITHOUT = frozenset({"without", "ohne", "sin"})
FREELY = re.compile(r"\b(?:without|ohne|sin|even if)\b")
IMPLIED = re.compile(
    r"\b(?:unable|only|alone|instead|rather|unlike|impossible|avoid\w*|escap\w+|prevent\w*"
    r"|miss(?:es|ed|ing)?|ban(?:s|ned)?|rul\w+ out|f[ae]ll\w* (?:through|away)|collaps\w+|drop\w*"
    r"|discontinu\w+|suspend\w*|waiv\w+|withh[eo]ld\w*|withdr[ae]w\w*|declin\w+|refus\w+|reject\w+"
    r"|dismiss\w*|fail\w*|cancel\w*|abolish\w*|remov\w+|ceas\w+|stop\w*|halt\w*|end(?:s|ed)?"
    r"|exempt\w*|exclu\w+|ineligible|insufficient|inadequate|invalid|illegal|unlawful|barred|bars"
    r"|empty|nil|zero|absen\w+|apolog\w+|lack\w*|void|den(?:y|ie\w+|ial)|forb\w+|prohibit\w*"
    r"|turned (?:off|down)|disabl\w+|switch\w* off|opt\w* out|unpaid|unchanged|unaffected|unlikely"
    r"|unsuccessful\w*|disagree\w*|oppos\w+|against|vain|barely|hardly|scarcely|rarely|seldom"
    r"|exceed\w*|beyond|free|off|out)\b"
)
"""What may say a negation in another way: where the one clause has a negation and the other one of
these, nothing is known of whether they agree."""
ALLOWED = re.compile(r"\b(?:may|can|could|allowed|permitted|free|darf|kann|puede)\b")
NEEDS = re.compile(
    r"\b(?:requir\w+|needs?|needed|only|subject to|must|unless|provided|nur|solo|requiere)\b"
)
COMPARED = re.compile(
    r"\b(?:than|ahead of|behind|(?:before|after)(?! (?:that|this|which|then)\b)|bevor|nachdem"
    r"|antes de|después de)\b"
)
