"""What a question compares, told by rules: names, periods or documents, and a question for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

from retrieval.cues import mended
from store.models import Frozen

MOST_THINGS = 8

_QUARTER = r"Q[1-4]"
_YEAR = r"(?:19|20)\d\d"
_PERIOD = rf"(?:{_QUARTER}(?: (?:of )?(?:FY ?)?{_YEAR})?|(?:FY ?)?{_YEAR})"
_JOIN = (
    r"(?:,? (?:and|or|to|vs\.?|versus|with|than|against|und|oder|bis|mit)|,)"
    r" (?:from |in |the |at )*"
)
_PERIODS = re.compile(
    r"(?P<before>\b(?:between|from|in|of|for|zwischen|von)\s+)?"
    rf"(?P<things>\b{_PERIOD}(?:{_JOIN}{_PERIOD})+)\b"
)
_ANY_PERIOD = re.compile(rf"\b{_PERIOD}\b")

_NO_NAME = (
    r"(?!(?:of|in|at|by|for|from|the|and|or|to|with|is|are|was|were|does|do|did|between|vs|versus"
    r"|compare|contrast|how|what|which|than|on|about|von|der|die|das|und|oder)\b)"
)
_TITLED = r"[A-Z0-9][\w&.’'-]*\b(?: (?:[A-Z0-9][\w&.’'-]*\b|& (?=[A-Z]))){0,3}"
_NAME = rf"(?:{_NO_NAME}[a-zäöüß]{{3,}} )?{_NO_NAME}{_TITLED}"
_AND = (
    r"(?:,? (?:and|or|vs\.?|versus|with|to|than|against|und|oder|mit|from)|,)"
    r" (?:in |at |by |of |for |from |von )?(?:the one (?:from|of|in|by) |the |that of |dem |der )?"
)
_NAMES = re.compile(rf"(?P<things>\b{_NAME}(?:{_AND}{_NAME})+)(?!\w)")
_NOUN = r"(?:[a-zäöüß-]+ ){0,2}?[a-zäöüß-]{3,}"
_PAIR = re.compile(
    rf"\b(?P<things>the {_NOUN}"
    rf"(?:,? (?:and|or|with|to|than|from|versus|vs\.?) (?:in |at |by |of )?)the {_NOUN})"
    r"(?= (?:say|says|about|on|have|has|for|in|regarding|differ|compare)\b|\s*[?.]?$)"
)
_DOCUMENTS = re.compile(
    r"\b(?:which of |(?:how |in |for )?each of |between |in |for |of )?(?:all )?"
    r"(?:the |these |those |our |my |die |den |der )?"
    r"(?P<number>two|three|four|five|six|both|each|every|all|these|those|different|beide\w*"
    r"|zwei|drei|alle\w*)"
    r"(?: of)?(?: the| our| these| those)? "
    r"(?P<noun>[^\W\d_]{3,}(?: (?!says?\b|ha[sv]e?\b|compare|differ|handle|treat|do(?:es)?\b|about"
    r"\b|in\b|on\b|for\b|require|state)[a-zäöüß]{4,}s\b)?)",
    re.IGNORECASE,
)
_COUNTS = {
    "two": 2, "both": 2, "zwei": 2, "three": 3, "drei": 3, "four": 4, "five": 5, "six": 6,
}  # fmt: skip

_ASKING = re.compile(
    r"^(?:(?:please|can you|could you|would you|tell me|show me|i want to know|bitte)\s+)*"
    r"(?:(?:a |the )?comparison of|compare|contrast|put|vergleiche?n?"
    r"|wh(?:at|ich) (?:is|are|was|were) (?:the )?(?:similarities|differences?|change)"
    r"(?: and (?:similarities|differences?))*(?: between| in| of)?"
    r"|wh(?:at|ich) (?:has |have |had )?changed? (?:in|about)?"
    r"|how (?:do|does|did|has|have|had)|(?:wie|in welchen punkten) unterscheiden sich"
    r"|(?:do|does|did|is|are|was|were|has|have|what (?:do|does|did)|what|which|how))?\b\s*",
    re.IGNORECASE,
)
_SAYING = re.compile(
    r"\b(?:say|says|said|state|states|provide|provides) (?:the same )?(?:about|on|regarding)\b"
    r"|\bside by side\b|\b(?:differ|differs|unterscheiden sich)(?: from)?\b|\bcompared?\b(?= *\?*$)"
    r"|\b(?:the )?(?:same|higher|lower|longer|shorter|larger|smaller|bigger|better|stricter)\b"
    r"|\bdifferences? (?:between|in)\b|\bsince\b|\bhandles?\b|\bthe one\b",
    re.IGNORECASE,
)
_CHANGING = re.compile(
    r"^((?:how|did|has|have|is|are)\b.*?)\s(?:change|develop|evolve|improve|grow|increase"
    r"|decrease|decline|fall|rise|trend)(?:e?d|n|en)?\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"\b(?:is |are )?(?:cheaper|dearer|(?:more|less) expensive)\b", re.IGNORECASE)


class Compared(Frozen):
    """Things of a question and, for each, the question about it alone."""

    things: tuple[str, ...]
    questions: tuple[str, ...]


class Documents(Frozen):
    """That several documents are compared: of what kind, how many (None: all), about what."""

    noun: str
    number: int | None
    question: str


def compared(question: str) -> Compared | Documents | None:
    """What is compared; None where that is fewer than two things.

    Names and periods together are combined; at most MOST_THINGS are kept.
    """
    text = mended(" ".join(question.split()).rstrip(" ?!."))
    periods, text_of_periods = _periods(text)
    names, marked = _names(text_of_periods)
    if names and periods:
        pairs = list(product(names, periods))[:MOST_THINGS]
        return _each(marked, [(f"{n}, {p}", {"\0": n, "\1": p}) for n, p in pairs])
    if names or periods:
        mark, things = ("\0", names) if names else ("\1", periods)
        return _each(marked, [(thing, {mark: thing}) for thing in things[:MOST_THINGS]])
    found = _DOCUMENTS.search(text)
    if found:
        rest = f"{text[: found.start()]} {text[found.end() :]}"
        number = _COUNTS.get(found["number"].casefold()) or (
            2 if found["number"].casefold().startswith("beide") else None
        )
        return Documents(noun=found["noun"], number=number, question=core(rest) or text)
    if re.match(r"(?:please )?(?:compare|contrast|vergleiche)\b", text, re.IGNORECASE):
        return Documents(noun="", number=None, question=core(text) or text)
    return None


def core(question: str) -> str:
    """The subject of a question without the words that ask for a comparison."""
    text = _PRICE.sub("price", " ".join(question.split()))
    text = _CHANGING.sub(r"\1", text)
    text = " ".join(_SAYING.sub(" ", _ASKING.sub("", text)).split())
    text = re.sub(r"^(?:of|about|on|the|has|have|in|is|are|offer)\b\s*", "", text)
    return " ".join(text.split()).strip(" ,;:?.")


def _each(marked: str, things: Sequence[tuple[str, dict[str, str]]]) -> Compared | None:
    questions = []
    for _, filling in things:
        text = marked
        for mark, thing in filling.items():
            first, *more = text.split(mark)
            text = f"{first}{thing}{' '.join(more)}" if more else f"{text} {thing}"
        questions.append(core(text))
    if len({thing for thing, _ in things}) < 2:
        return None
    return Compared(things=tuple(thing for thing, _ in things), questions=tuple(questions))


def _periods(text: str) -> tuple[list[str], str]:
    """The periods compared, and the text with \\1 in their place."""
    found = _PERIODS.search(text)
    if found:
        periods = _ANY_PERIOD.findall(found["things"])
        before = "in " if found["before"] else ""
        marked = f"{text[: found.start()]}{before}\1{text[found.end() :]}"
    else:
        periods = _ANY_PERIOD.findall(text)
        # One stays where the first stood; “the 2021 policy … the 2024 one”.
        marked = _ANY_PERIOD.sub("\1", text)
    periods = list(dict.fromkeys(periods))
    if len(periods) < 2:
        return [], text
    years = [year[0] for p in periods if (year := re.findall(_YEAR, p))]
    whole = [f"{p} {years[-1]}" if years and not re.search(_YEAR, p) else p for p in periods]
    return list(dict.fromkeys(whole)), marked


def _names(text: str) -> tuple[list[str], str]:
    """The names compared, and the text with \\0 in their place."""
    for pattern, split in ((_NAMES, _AND), (_PAIR, None)):
        for found in pattern.finditer(text):
            said = found["things"]
            if split:
                names = re.split(split, said)
            else:
                joint = r",? (?:and|or|with|to|than|from|versus|vs\.?) (?:in |at |by |of )?(?=the )"
                names = re.split(joint, said)
            bare = (n.strip(" ,").removesuffix("’s").removesuffix("'s") for n in names)
            names = list(dict.fromkeys(bare))
            if len(names) > 1 and not any("\1" in n for n in names):
                before = re.sub(r"\b(?:between|zwischen) $", "of ", text[: found.start("things")])
                return names, f"{before}\0{text[found.end('things') :]}"
    return [], text
