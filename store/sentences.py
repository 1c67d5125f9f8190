"""Cuts text into sentences, by offsets: prose, list items, table rows, Chinese and Japanese.

Every character that is not white space is in exactly one sentence; a sentence never starts or
ends with white space. A line break inside wrapped prose does not end a sentence.
"""

from __future__ import annotations

import re

_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(
    r"[ \t]*(?:[-*•‣◦▪●○–—]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivx]{1,4})[.)])\s+"
)
_LATIN_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)")
_ANY_END = re.compile(r"[。！？｡][」』”’）》]*|[.!?…]+[\"'”’»)\]]*(?=\s)")
_HAS_CJK_END = re.compile("[。！？｡]")
_NEXT = re.compile(r"\s+[\"'“‘«(\[¿¡]*(\S)")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]*\Z")
_ABBREVIATIONS_WORDS = (
    "mr mrs ms dr prof rev hon gen col capt lt sgt st sr jr messrs mme mlle fig figs eq eqs "
    "eqn ref refs sec sect ch chap no nos nr vol vols pp p art arts par para ed eds dept inc "
    "ltd co corp bros est approx ca cf vs viz al etc e.g i.e eg ie jan feb mar apr jun jul "
    "aug sep sept oct nov dec mon tue wed thu fri sat sun u.s u.k u.n e.u a.m p.m ph.d m.sc "
    "b.sc d.c tel fax ext min max avg std dist bzw z.b d.h u.a vgl abs usw ggf inkl zzgl evtl "
    "str hr fr sra ud uds núm pág"
)
_ABBREVIATIONS = frozenset(_ABBREVIATIONS_WORDS.split())
_MAY_END_WORDS = (
    "etc inc ltd co corp bros u.s u.k u.n e.u a.m p.m d.c ph.d m.sc b.sc usw al jr sr jan feb mar "
    "apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun min max avg std dist ext "
    "tel fax ed eds dept est abs str hr fr no nos art arts par para"
)
_MAY_END = frozenset(_MAY_END_WORDS.split())
"""Abbreviations that may also close a sentence: they do before a capital letter."""
_NUMBERED_WORDS = "no nos nr fig figs eq eqs sec sect ch chap vol p pp art ref par núm"
_NUMBERED = frozenset(_NUMBERED_WORDS.split())
_ORDINAL_BEFORE = re.compile(
    r"(?:^|\W)(?:am|vom|zum|zur|im|der|die|das|dem|den|des|beim|bis|ab|seit|und|oder|jede[rsn]?)\s+$",
    re.IGNORECASE,
)
"""What stands before a German ordinal: am 3. August, die 2. Auflage."""
_OPENS = re.compile(
    r"(?:Der|Die|Das|Den|Dem|Des|Ein|Eine|Es|Er|Sie|Wir|Ich|Im|In|Am|Bei|Mit|Nach|Vor|Auf|Für|Wenn"
    r"|Dies\w*|Danach|Dann|Aber|Und|Zu|Zum|Zur|The|It|This|He|She|We|They|A|An|On|At)\b"
)
_NARROW = 60
"""Lines shorter than this tell nothing about where prose was wrapped."""


def sentences(text: str) -> list[tuple[int, int]]:
    """[start, end) of each sentence, in order."""
    found: list[tuple[int, int]] = []
    for start, end in _segments(text):
        _cut(text, start, end, found)
    return found


def without_bullet(text: str, start: int, end: int) -> int:
    """Where the words of the sentence [start, end) begin, past a bullet or an item's number."""
    match = _BULLET.match(text, start, end)
    return match.end() if match and match.end() < end else start


def _segments(text: str) -> list[tuple[int, int]]:
    """Runs of lines that may hold sentences across their line breaks."""
    lines = [m.span() for m in _LINE.finditer(text)]
    if len(lines) < 2:
        return lines
    widths = [end - start for start, end in lines]
    segments = []
    first = 0
    width = 0
    for i in range(len(lines) - 1):
        width = max(width, widths[i], widths[i + 1])
        start, end = lines[i]
        after, after_end = lines[i + 1]
        if after - end > 1 or _breaks(text, start, end, after, after_end, width):
            segments.append((lines[first][0], end))
            first = i + 1
            width = max(widths[i + 1], max(widths[i + 1 : i + 6]))
    segments.append((lines[first][0], lines[-1][1]))
    return segments


def _breaks(text: str, start: int, end: int, after: int, after_end: int, width: int) -> bool:
    """Whether the line break between two lines ends a sentence by itself."""
    head = text[after]
    if head.islower():
        return "\t" in text[start:end] or (
            _BULLET.match(text, after, after_end) is not None and not head.isalpha()
        )
    if "\t" in text[start:end] or "\t" in text[after:after_end]:
        return True
    if head in "-*•‣◦▪●○" or (not head.isalpha() and _BULLET.match(text, after, after_end)):
        return True
    if head.isspace() and text[after:after_end].isspace():
        return True
    # Prose is wrapped where the next word did not fit; here it would have.
    space = text.find(" ", after, after_end)
    word = (space if space > 0 else after_end) - after
    return end - start + 1 + word < 0.8 * max(width, _NARROW)


def _cut(text: str, start: int, end: int, found: list[tuple[int, int]]) -> None:
    """Appends the sentences of one segment."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start >= end:
        return
    ends = _ANY_END if _HAS_CJK_END.search(text, start, end) else _LATIN_END
    skip = _BULLET.match(text, start, end)
    at = skip.end() if skip else start
    for match in ends.finditer(text, at, end):
        stop = match.end()
        if stop >= end:
            break
        if text[match.start()] not in "。！？｡" and not _ends(text, start, match, end):
            continue
        found.append((start, stop))
        start = stop
        while text[start].isspace():
            start += 1
    found.append((start, end))


def _ends(text: str, start: int, match: re.Match[str], end: int) -> bool:
    """Whether the full stop (or the like) at `match` ends a sentence."""
    following = _NEXT.match(text, match.end(), end)
    if following is None:
        return True
    head = following[1]
    mark = match.group()
    if mark[0] != ".":
        return not head.islower()
    if head.islower() or head in ",;:":
        return False
    before = _LAST_WORD.search(text, max(start, match.start() - 30), match.start())
    word = before.group().lower() if before else ""
    if len(mark) > 1 and mark[1] == ".":
        return True
    if len(mark) > 1:
        return word not in _ABBREVIATIONS or word in _MAY_END
    if len(word) == 1 and word.isalpha():
        return text[match.start() - 1].islower() and word not in "pv"
    if word in _NUMBERED and head.isdigit():
        return False
    if word in _ABBREVIATIONS:
        return word in _MAY_END and head.isupper()
    if word.isdigit() and len(word) < 3 and head.isupper():
        before = text[max(start, match.start() - len(word) - 12) : match.start() - len(word)]
        if _ORDINAL_BEFORE.search(before) and not _OPENS.match(text, following.start(1)):
            return False
    return not (head.isdigit() and word.isdigit() and match.start() - len(word) == start)
