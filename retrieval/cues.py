"""The words by which a question is known to ask for one engine, and how much each says."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NamedTuple


class Cue(NamedTuple):
    """A pattern whose questions go to `route`; `weight` 0..1, above .5 it decides alone."""

    route: str
    weight: float
    pattern: re.Pattern[str]


_THING = r"(?:this|that|the|these|those|it|they|my|our|all)\b"
_PERIOD = r"(?:Q[1-4]\b(?:\s+(?:of\s+)?(?:19|20)\d\d)?|(?:19|20)\d\d\b)"
_CHANGE = (
    r"(?:chang|develop|evolv|grow|grew|increas|decreas|improv|declin|trend|fluctuat|shift)\w*"
    r"|\b(?:rose|risen|rise|fell|fallen|fall|drop|dropped)"
)
_MORE = (
    r"(?:cheaper|dearer|higher|lower|longer|shorter|larger|smaller|bigger|better|worse|faster"
    r"|slower|stricter|older|newer|earlier|later|greater|fewer|(?:more|less) [a-z]+)"
)
_MOST = (
    r"(?:highest|lowest|largest|smallest|biggest|greatest|cheapest|longest|shortest|oldest|newest"
    r"|heaviest|fastest|slowest|fewest|most|least)"
)
_BEYOND = (
    r"(?:more|less|fewer|higher|lower|greater) than|at (?:least|most)|above|below|over|under"
    r"|exceed\w*"
)
_SEEK = r"(?:mention\w*|named|referenc\w*|refer(?:s|red)? to|cit(?:es?|ed))"
_TURN_UP = r"(?:occurs?|appears?|comes? up|shows? up|turns? up|crops? up)"
_PAPERS = (
    r"(?:pages?|documents?|files?|contracts?|agreements?|reports?|sections?|chapters?|letters?"
    r"|mails?|e-?mails?|manuals?|policies|minutes|places?|passages?|sentences?|paragraphs?)"
)
_GROUP = (
    r"(?:day|week|month|quarter|year|department|category|categories|region|country|countries"
    r"|status|type|site|station|supplier|customer|employee|team|project|grade|technician|product"
    r"|person|item|location|city|group|class|vendor|office|account)s?\b"
)

_SAID: tuple[tuple[str, float, str], ...] = (
    ("summary", 0.9, r"\bsummar(?:y|ise|ize|ising|izing|isation|ization)\b|\bsum (?:it )?up\b"),
    ("summary", 0.9, r"\b(?:tl;?dr|in a nutshell|overview|gist|outlines?|rundown|recap)\b"),
    ("summary", 0.8, r"\b(?:digest|abstract|synopsis|condense|boil \w+ down)\b"),
    (
        "summary",
        0.9,
        r"\b(?:key|main|central|(?:most )?important|essential) "
        r"(?:points?|takeaways?|findings|topics?|themes?|messages?|insights?|conclusions?)\b",
    ),
    ("summary", 0.85, rf"^what (?:is|are|was|were) {_THING}[^?]{{0,60}}\babout\s*\?*$"),
    (
        "summary",
        0.85,
        rf"^what (?:does|do|did) {_THING}[^?]{{0,60}}\b(?:cover|deal with)\s*\?*$"
        r"|^what (?:topics?|subjects?|areas?)\b.{0,60}\b(?:cover|covered|deal)",
    ),
    (
        "summary",
        0.85,
        r"^what(?:'s|’s) (?:in )?(?:this|that|it|the \w+)(?: document| file)? about\s*\?*$",
    ),
    (
        "summary",
        0.8,
        r"\bbrief me\b|\bbriefly (?:describe|explain|tell)|\bshort (?:description|version)\b"
        r"|\b(?:in|into|to) (?:a few|a couple of|two|three|four|five|some) "
        r"(?:\w+ )?(?:words|lines|sentences|paragraphs|bullets?(?: points)?)\b",
    ),
    ("summary", 0.7, r"\bneed to know\b|\bup to speed\b|\bcatch me up\b|\bthe essentials\b"),
    (
        "summary",
        0.85,
        r"\bzusammenfass|\bfasse?n?\b.*\bzusammen\b|\bworum geht|\büberblick\b|\bkurzfassung\b"
        r"|\bwichtigsten (?:punkte|ergebnisse|aussagen|inhalte)|\bhauptpunkte\b|\bkernaussagen\b",
    ),
    ("compare", 0.9, r"\bcompar(?:e|ing|ison|isons)\b|\bside by side\b|\bversus\b|\bvs\b"),
    ("compare", 0.5, r"\bcompare[ds]\b"),
    ("compare", 0.85, r"^(?:please )?contrast\b|\bin contrast to\b|\bsimilarit|\bdistinguish\w*\b"),
    ("compare", 0.8, r"\bdifferences?\b(?: \w+){0,3} between\b|\bdiffers?\b|\bwhat differences?\b"),
    ("compare", 0.6, r"^what do\b.* and .*\b(?:say|says|have|require|provide|state)\b"),
    ("compare", 0.85, r"\bwhich of the (?:two|three|four|five|these)\b"),
    (
        "compare",
        0.7,
        r"\b(?:the|these|those|our|my|all) (?:two|three|four|five) (?:\w+ ){0,2}\w+s\b"
        r".*\b(?:say|says|have|handle|treat|require|allow|define|regulate)"
        r"|\bboth (?:\w+ ){0,2}\w+s\b.*\b(?:say|have|require)",
    ),
    ("compare", 0.6, r"\b(?:for|how|what) (?:does )?(?:each|every)\b.*\b(?:say|says|handles?)\b"),
    ("compare", 0.6, r"\beach of the (?:two|three|four|five|\w+s)\b"),
    ("compare", 0.6, rf"\b{_MORE}\b[^.?]{{0,60}}(?:,|\bin\b|\bat\b)[^.?]{{0,40}}\bor\b"),
    (
        "compare",
        0.55,
        rf"\b(?:is|are|was|were|do|does|did)\b.*\b{_MORE}\b[^.?]*\bthan (?:in|at|the one)",
    ),
    (
        "compare",
        0.6,
        r"\bsay the same\b|\bthe same in\b|\bagree with each other\b|\bconsistent with\b",
    ),
    (
        "compare",
        0.4,
        rf"{_PERIOD}[^?]{{0,40}}?\b(?:and|to|than|or|until|through|und|bis)\b[^?]{{0,20}}?{_PERIOD}"
        r"|\bQ[1-4] (?:and|to|or|than) Q[1-4]\b",
    ),
    ("compare", 0.45, rf"\b(?:how|did|has|have)\b.*\b(?:{_CHANGE})\b"),
    ("compare", 0.6, rf"\bchanged?\b.*\b(?:since|between|compared|from)\b.*{_PERIOD}"),
    (
        "compare",
        0.85,
        r"\bvergleich|\bunterschied|\bunterscheide|\bgegenüberstell|\bnebeneinander\b",
    ),
    ("tables", 0.85, r"\bsum of\b|\bsum total\b|\badd (?:up|together)\b"),
    ("tables", 0.75, r"\b(?:calculate|compute|work out)\b"),
    ("tables", 0.8, r"\bmedian\b|\bstandard deviation\b|\bcount (?:the|all|how)\b"),
    (
        "tables",
        0.6,
        r"\b(?:average|mean)\b[^?]{0,40}\b(?:of (?:all|the|our)|per|by|across|for all)\b",
    ),
    ("tables", 0.3, r"\b(?:average|mean|total|in total|altogether|overall|combined)\b"),
    (
        "tables",
        0.55,
        r"\b(?:average|mean|total|maximum|minimum)\b"
        r".*\bin (?:the|this) (?:\w+ )?(?:list|table|sheet)\b",
    ),
    ("tables", 0.3, r"\bhow (?:many|much)\b"),
    ("tables", 0.75, rf"\bhow many\b.*\b(?:{_BEYOND})\b.*\d"),
    ("tables", 0.65, r"\bhow many (?:different|distinct|unique|of (?:the|our)|rows|entries)\b"),
    ("tables", 0.55, rf"\b(?:per|(?:for|in|of) each|grouped by|broken down by) {_GROUP}"),
    ("tables", 0.35, rf"\bby {_GROUP}"),
    (
        "tables",
        0.8,
        rf"\b(?:which|what|who)\b[^?]{{0,40}}\b(?:has|have|had|recorded|shows?) the {_MOST}\b",
    ),
    (
        "tables",
        0.55,
        rf"\bwh(?:ich|at|o)\b.*\bthe (?:{_MOST}|most expensive)\b.*\bin the (?:list|table|sheet)",
    ),
    ("tables", 0.45, rf"^(?:which|show|list|name)\b.*\b{_MOST}\b"),
    (
        "tables",
        0.85,
        r"\b(?:top|bottom|first|last) (?:\d+|three|five|ten|twenty)\b.*\bby\b"
        rf"|\bthe (?:\d+|two|three|five|ten|twenty) {_MOST}\b",
    ),
    ("tables", 0.8, r"^(?:please )?(?:sort|rank|order|filter)\b"),
    (
        "tables",
        0.75,
        rf"^(?:list|show|give)\b.*\b(?:with|where|whose|that)\b.*\b(?:{_BEYOND})\b.*\d",
    ),
    ("tables", 0.5, r"\b(?:rows?|columns?|spreadsheets?|worksheets?)\b"),
    (
        "tables",
        0.55,
        r"\bwhat (?:percentage|share|proportion|fraction) of the \w+s (?:is|are|were|have)\b",
    ),
    (
        "tables",
        0.7,
        r"\bsumme\b|\bdurchschnitt|\binsgesamt\b|\bmittelwert\b"
        r"|\bwelche[rs]?\b.*\b(?:höchste|niedrigste|meisten|wenigsten|größte|kleinste|teuerste)",
    ),
    (
        "mentions",
        0.85,
        rf"\b(?:where|which|how often|how many times|what|find|list|show|give|all|every|each|any"
        rf"|count|anywhere)\b.*\b(?:mention\w*|{_SEEK}(?: (?:anywhere|in|by)|\s*\?*$))"
        rf"|\b{_SEEK} anywhere\b",
    ),
    ("mentions", 0.85, r"\b(?:occurrences?|instances?|appearances?|mentions) of\b|\bhits for\b"),
    ("mentions", 0.8, r"\b(?:all|every|any|each|the) (?:references?|allusions?) to\b"),
    (
        "mentions",
        0.8,
        rf"\b(?:all|every|each|the) {_PAPERS}\b.{{0,12}}"
        rf"\b(?:where|that|which|in which)\b"
        rf".*\b(?:{_SEEK}|{_TURN_UP}|contain\w*|stands?|is|are)\b",
    ),
    (
        "mentions",
        0.75,
        rf"\b(?:which|what) {_PAPERS}\b.{{0,12}}\b(?:mention|contain|refer to|talk about|discuss"
        rf"|cite|speak of|name|include the (?:word|term|name))\b",
    ),
    (
        "mentions",
        0.75,
        rf"\b(?:how often|how many times|(?:which|what) {_PAPERS})\b.*\b(?:{_TURN_UP}|used)\b",
    ),
    (
        "mentions",
        0.45,
        rf"\b(?:where|anywhere)\b.*\b{_TURN_UP}\b|\b{_TURN_UP}\b.*\b(?:where|anywhere)\b",
    ),
    (
        "mentions",
        0.55,
        r"\b(?:where|find|search|anywhere|show|often|times|every|all|list)\b.*"
        r"\b(?:word|term|phrase|expression|name|string|keyword)s? \W?\w"
        rf"|\b(?:word|term|phrase|expression|name|string|keyword)s? \W?\w.*\b{_TURN_UP}\b",
    ),
    ("mentions", 0.45, r"^[^\"“„«]*(?:\"[^\"]{2,}\"|[“„«][^”“»]{2,}[”“»])"),
    ("mentions", 0.6, r"\bsearch\b.*\bfor\b|\bfind (?:all|every)\b|\blook for\b.*\b(?:all|every)"),
    (
        "mentions",
        0.85,
        r"\berwähn|\bwie oft\b.*\bvor\b|\bkommt\b.*\b(?:irgendwo )?vor\b|\bfundstellen?\b"
        r"|\balle stellen\b|\bwo\b.*\b(?:genannt|vorkommt|steht das wort)\b",
    ),
    ("facts", 0.4, r"^(?:why|when|how do i|who signed|does the|is there|wann|warum|wer)\b"),
    ("facts", 0.7, r"\b(?:potential|voltage|pressure|temperature|time|height|level) difference\b"),
    ("facts", 0.3, r"\b(?:this|that|the|clause|section|article|paragraph) [\d.]+ say\b"),
)

CUES = tuple(Cue(route, weight, re.compile(said, re.IGNORECASE)) for route, weight, said in _SAID)

_SPELLED = (
    "which where often every mention mentions mentioned occur occurs appear appears occurrences"
    " occurrence instances references summarise summarize summary overview outline compare compared"
    " comparison difference differences differ versus average median calculate highest lowest"
    " cheapest largest smallest"
)
_WORDS = _SPELLED.split()


def mended(question: str) -> str:
    """The question with slips of the pen in the words above put right, to match cues only."""
    # A word with a capital is a name, but for the first.
    return re.sub(
        r"\b[a-z]{4,}\b|^[A-Z][a-z]{3,}\b", lambda m: _mended(m.group()), question.strip()
    )


def _mended(word: str) -> str:
    if word.lower() in _WORDS:
        return word
    # 0.85: one letter left out, doubled or exchanged; “contract” and “company” stay what they are.
    plain = word.lower()
    near = get_close_matches(plain, _WORDS, n=1, cutoff=0.85)
    return near[0] if near and near[0][0] == plain[0] and near[0][-1] == plain[-1] else word
