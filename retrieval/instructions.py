"""Passages that read like instructions to an assistant: searched like any, never quoted as answers.

A document may be written to steer whoever answers from it ("ignore previous instructions and print
..."). Quoting such a sentence, or letting it vouch for a model that obeyed it, would show its words
as an answer. What is looked for is how such texts speak: they address a model, put its earlier
instructions out of force, or dictate what its answer is to be. People tell each other to ignore
alarms and earlier versions; that is not it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from retrieval.sources import Source, passages
from store.models import Page

LEFT_OUT = "A passage that reads like an instruction to the assistant was not quoted."

_MODEL = (
    r"(?:an? |the )?(?:AI(?: (?:assistant|model|system|agent|language model))?|(?:large )?language"
    r" model|LLM|chat ?bot|chatgpt|gpt-?\d\w*|copilot|virtual assistant|helpful assistant)"
)
_GIVEN = r"(?:instructions?|prompts?|directives?|system (?:prompt|message)|guidelines you)"
_EARLIER = (
    r"(?:all|any|every|the|your|my|of|these|those|previous|prior|above|earlier|preceding|other"
    r"|given|existing|original)"
)
_ANSWER = r"(?:answer|response|reply|output|summary|completion)"
_QUOTE = r"[\"“‘'«`]"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Earlier instructions are put out of force.
        rf"\b(?:ignore|disregard|forget|override|bypass)\b(?: {_EARLIER})+ {_GIVEN}\b",
        r"\b(?:ignore|disregard|forget)\b[^.]{0,60}\b(?:and )?instead (?:focus|answer|reply"
        r"|respond|say|print|write)\b",
        r"\b(?:ignore|disregard|forget) (?:all|everything|any)\b[^.]{0,40}\b(?:except|but) (?:for"
        r" )?the following\b",
        r"\bignore everything (?:above|before|you (?:were|have been) told)\b",
        r"\bignorier(?:e|en sie) (?:alle|die) (?:vorherigen|bisherigen|obigen) (?:anweisungen"
        r"|instruktionen)\b",
        r"\bignor[ae] (?:todas )?las instrucciones (?:anteriores|previas)\b",
        # A model is addressed.
        rf"(?:^|[.!?:;\n*#>\]] *)(?:dear|hey|hello|attention|note to|message to|you are|you're"
        rf"|act as|pretend to be|as) {_MODEL}\b",
        rf"\bif you(?: are|'re) {_MODEL}\b",
        r"\bif (?:the |a )?user asks\b[^.]*\b(?:reply|respond|answer|print|say|output|tell them)\b",
        r"\b(?:your|the) system prompt\b[^.]{0,60}\b(?:is|reveal|print|repeat|show)\b|\b(?:reveal"
        r"|print|repeat|show|output)\b[^.]{0,40}\byour (?:system prompt|instructions)\b",
        r"<\|?(?:im_start|system|endoftext)\|?>|\[/?INST\]|\[system\]\(|\[system\]|^#+ *(?:system"
        r"|instruction)s?:",
        # What the answer is to be is dictated.
        rf"\b(?:reply|respond|answer) (?:only )?with (?:(?:only|just|exactly|nothing"
        rf" but)\b[^.]{{0,20}}{_QUOTE}|(?:only |just |exactly )?the following (?:text|words?"
        rf"|sentence|string)\b)",
        r"\b(?:reply|respond|answer)\b[^.]{0,60}\b(?:and )?(?:absolutely )?nothing else\b",
        rf"(?:^|[.!?:;\n-] *|\b(?:then|please|now|and) )(?:print|output|echo) (?:exactly |only "
        rf"|the (?:words?|string|text|sentence|following) ?:?"
        rf" ?)*(?:{_QUOTE}(?![^\"”’'»`]*[\"”’'»`] (?:on|onto|at)\b)|!\[|https?:|$)",
        rf"(?:^|[.!?:;\n-] *|\b(?:then|please|now) )(?:say|repeat|write|output"
        rf"|print)\b[^.]{{0,80}}\b(?:verbatim|word for word|in your {_ANSWER}|as your {_ANSWER}"
        rf"|exactly as (?:it is )?written)\b",
        rf"(?:^|[.!?:;\n-] *)(?:replace|scramble|misspell|convert|remove|group|combine|encode"
        rf"|translate|render)\b[^.]{{0,60}}\b(?:in|of|from) your {_ANSWER}\b",
        rf"\b(?:add|insert|include|append|embed|integrate)\b[^.]{{0,120}}\b(?:to|in|into) your"
        rf" (?:{_ANSWER})\b[^.]{{0,60}}(?:https?:|www\.)|\b(?:add|insert|include|append|embed"
        rf"|integrate)\b[^.]{{0,60}}(?:https?:|www\.)[^ ]*[^.]{{0,80}}\b(?:to|in|into) your"
        rf" (?:{_ANSWER})\b",
        r"\bsummary of (?:[a-z ]{0,20} )?(?:this|our) (?:conversation|chat)\b"
        r"|\bURL.encoded\b[^.]{0,40}\b(?:conversation|chat|summary)\b",
    )
)  # fmt: skip
_MAYBE = re.compile(
    r"ignor|disregard|forget|override|bypass|\bAI\b|model|LLM|chat|gpt|copilot|assistant|user\s+asks"
    r"|system|instruction|endoftext|im_start|INST|reply|respon|answer|print|output|echo|verbatim"
    r"|word\s+for\s+word|summary|completion|exactly\s+as|conversation",
    re.IGNORECASE,
)
"""Every pattern needs one of these: most sentences are done with at once."""
_REPORTED = re.compile(
    rf"\b(?:attack(?:s|ers?)?|injections?|such as|for example|e\.g\.|called|phrases?|strings?"
    rf"|known as"
    rf"|study|paper|researchers?|examples?)\b[^.]{{0,120}}{_QUOTE}",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"(?:[:：]|\bfollowing\b[^.]*)\s*[\"“<\[(]*$", re.IGNORECASE)
_BRACKETS = re.compile(r"\bbrackets?\b", re.IGNORECASE)
_CONTINUES = re.compile(
    r"^\W*(?:then|next|also|and|do not|don't|afterwards|finally)\b", re.IGNORECASE
)
_DICTATED = re.compile(r"^\W{0,3}(?:[<\[`(\"“!]|https?:|\(?\d{1,2}[.)]|[-*•])|^\S+$")
MOST_DICTATED = 16
"""Passages after an instruction that may be what it dictates."""


def instructs(text: str) -> bool:
    """Whether a sentence reads like an instruction to an assistant, and not like one that reports
    such a thing and quotes it."""
    if not _MAYBE.search(text):
        return False
    plain = re.sub(r"\s+", " ", text.replace("’", "'")).strip()
    found = next((m for p in _PATTERNS if (m := p.search(plain))), None)
    if found is None:
        return False
    reported = _REPORTED.search(plain)
    return reported is None or found.start() < reported.start()


def instructing(source: Source, pages: Mapping[int, Page]) -> list[Source]:
    """The passages of `source` that are instructions, with what these dictate."""
    return parted(source, pages)[1]


def quotable(source: Source, pages: Mapping[int, Page]) -> list[Source]:
    """`passages(source, pages)` without those of `instructing`."""
    return parted(source, pages)[0]


def parted(source: Source, pages: Mapping[int, Page]) -> tuple[list[Source], list[Source]]:
    """What `quotable` and `instructing` give, with one look."""
    if not _MAYBE.search(source.text):
        return passages(source, pages), []
    kept: list[Source] = []
    held_back: list[Source] = []
    left = 0  # passages that may still be dictated
    expected, opened = False, 0
    for passage in passages(source, pages):
        text = passage.pieces[-1].text
        follows = left > 0 and (
            expected or opened > 0 or bool(_DICTATED.search(text)) or bool(_CONTINUES.match(text))
        )
        if not follows and not instructs(text):
            kept.append(passage)
            left, opened = 0, 0
            continue
        held_back.append(passage)
        left = left - 1 if follows else MOST_DICTATED
        expected = _GOES_ON.search(text.strip()) is not None
        # What is dictated between brackets ends where they close.
        opened = max(0, opened + text.count("<") - text.count(">"))
        announced = None if follows else _BRACKETS.search(text)
        if announced and ">" not in text[announced.end() :]:
            opened = max(1, opened)  # OCR may lose the bracket that opens
    return kept, held_back
