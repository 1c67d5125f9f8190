"""The words that questions about tables are made of, and how words are brought to their roots."""

from __future__ import annotations

from functools import lru_cache

from retrieval.words import stem

_IRREGULAR = {
    "won": "win", "lost": "lose", "losses": "lose", "loss": "lose", "held": "hold",
    "sold": "sell", "bought": "buy", "paid": "pay", "spent": "spend", "made": "make",
    "built": "build", "led": "lead", "ran": "run", "wrote": "write", "written": "write",
    "born": "birth", "died": "death", "people": "person", "men": "man", "women": "woman",
    "children": "child", "countries": "country", "cities": "city", "sung": "sing", "sang": "sing",
    "taken": "take", "took": "take", "given": "give", "gave": "give", "began": "begin",
    "came": "come", "drew": "draw", "drawn": "draw", "felt": "feel", "met": "meet",
    "tied": "tie", "ties": "tie", "dates": "date", "movies": "movie", "species": "species",
    "series": "series", "height": "height", "grossed": "gross",
}  # fmt: skip


@lru_cache(maxsize=50_000)
def root(word: str) -> str:
    """`word`, folded already, without its ending and with its number words as digits."""
    word = _IRREGULAR.get(word, word)
    if len(word) > 6 and word.endswith(("tor", "sor", "tors", "sors")):
        word = word.removesuffix("s")[:-2]  # director, directed
    if len(word) > 5 and word.endswith(("ian", "ican")):
        return word[:-1]  # Nigerian, African: of the country
    return stem(word)


def _roots(text: str) -> frozenset[str]:
    return frozenset(root(word) for word in text.split())


FUNCTION = _roots(
    "a an the of in on at to for from by with as and or is are was were be been being do does did"
    " has have had having it its this that these those they them their he him his she her hers we"
    " us our you your i me my there here which what who whom whose when where how many much than"
    " then if so such can could will would should may might shall must into onto over under out up"
    " down about per s ever also each all any some please tell give show list name find me only"
    " other one ones just during while within through across among between according based upon"
)
"""Words that say nothing by themselves."""

LIGHT = _roots(
    "play appear get receive make go come take include exist occur happen locate call contain"
    " mention see say state know table chart list spreadsheet sheet file csv document data row"
    " column entry record record's item number total amount count sum value result find give name"
    " time overall altogether different various unique distinct specific particular following"
    " individual listed shown recorded held took place hold use used feature featuring featured"
    " participate represent belong come follow compare another same person thing serve serving kind"
    " season month release type worth sell sold buy earn"
    " have possess accord achieve reach complete ask answer question information"
)
"""Words that restrict nothing: what a row is asked to do, or what rows are called."""

PERSON = _roots(
    "name player person candidate actor actress director winner skipper president nominee driver"
    " rider athlete footballer coach manager author artist scorer employee customer contact owner"
    " performer singer member leader captain swimmer cyclist golfer writer host judge incumbent"
    " character role representative officeholder competitor swimmer student teacher salesperson"
)
PLACE = _roots(
    "location place city town venue country state county region site stadium arena address"
    " headquarters office district province village area ground"
)
WHEN = _roots("date year season day month time period")

HIGH = _roots("most highest largest biggest greatest maximum max top more high longest")
LOW = _roots("least lowest smallest fewest minimum min bottom less low shortest")
PROPERTIES: dict[str, tuple[bool, frozenset[str]]] = {
    "oldest": (True, _roots("age")),
    "youngest": (False, _roots("age")),
    "longest": (True, _roots("length duration loa time distance runtime")),
    "shortest": (False, _roots("length duration time distance height runtime")),
    "tallest": (True, _roots("height elevation floors")),
    "heaviest": (True, _roots("weight mass")),
    "lightest": (False, _roots("weight mass")),
    "cheapest": (False, _roots("price cost fee fare")),
    "dearest": (True, _roots("price cost fee fare")),
    "deepest": (True, _roots("depth")),
    "farthest": (True, _roots("distance")),
    "richest": (True, _roots("wealth income worth")),
    "slowest": (True, _roots("time duration")),
    "fastest": (False, _roots("time duration")),
    "largest": (True, _roots("area size population")),
    "biggest": (True, _roots("area size population")),
    "smallest": (False, _roots("area size population")),
}
"""Superlatives that name their column: whether its greatest value is meant, and its words."""

EVENTS = _roots("game match event race contest meeting bout fixture fight")
EVENT_COLUMNS = _roots("opponent score result week game match venue stadium round fight")
"""What a row is where it has such columns."""

INDEXES = _roots("week game round rank episode season series race stage year id code no number nr")
"""Columns whose numbers say which, not how much."""

SPANS = _roots("year month day week hour minute second decade century inch foot meter metre mile")
"""What is measured rather than counted, unless a column is called so."""

TITLED = _roots(
    "movie film show song book album single episode program programme product article paper"
    " painting"
)
"""What goes by a title: it is in the column called so."""

OUTCOMES = _roots("win lose tie draw goal point score vote award victory defeat medal title")
"""What happens in a row rather than what a row is."""

RANKS = _roots("rank ranking position place pos standing finish placing chart peak")
"""Columns in which the smallest number is the best one."""

NOT_COMPUTED = (
    (r"\b(?:not|never|without|neither|nor|except|excluding|besides|other than|apart from|aside)\b"
     r"|n['’]t\b", "what is to be left out"),
    (r"\b(?:consecutive(?:ly)?|in a row|streaks?|back to back)\b", "what follows in a row"),
    (r"\b(?:ratio|median|percentile|trend|growth|correlat\w+|rate of|standard deviation)\b",
     "this kind of calculation"),
    (r"\b(?:why|how come)\b", "reasons"),
    (r"\b(?:how long|how far|how old|how big|how tall)\b", "what is to be measured"),
    (r"\b(?:both|same|as many|as much|equal|twice|once|double)\b", "what is to be compared"),
    (r"\b(?:per|every)\s+(?:year|month|week|day|person|game|row)\b", "shares of each"),
    (r"\b(?:still|currently|now|today|anymore|yet|ago)\b", "what holds today"),
)  # fmt: skip
"""Questions that no plan here says, with what a person is told about them."""
