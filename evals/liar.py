"""How often the check of generated answers catches a model that lies, and lets a truthful one pass.

python -m evals.liar [--http N] [--show] [--cases FILE]

liar_cases.jsonl holds invented documents and sentences about them: lies, truthful paraphrases, and
sentences where two names have changed their roles. Those of `fit` were looked at while the check
was worked on; of those of `read` only the totals were, often; those of `test`, of other documents
and another hand, were measured only when the check was done: only these tell what to expect. Those
of `subtle` are all far from the words of their source, and a lie is a change of meaning alone.

liar_opinions.jsonl holds what a large language model said to those of `test` and `subtle` whose
facts were found: it was given the words of the prompt `compare 1` and then sentences with their
excerpts, as FOOTNOTE_CHECK_MODEL gets them but some 130 in a row, in an order drawn at random, and
nothing of what they are. A case without an opinion counts as the rules say.

Each goes through `citations.verify`; a fixed random sample of N goes the whole way, from a real
HTTP server through LlamaIndex's client and the stream to `citations.checked`. `--show` prints the
sentences of `fit` that went wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from evals.scripted import ScriptedServer
from retrieval.citations import Ledger, Verdict, checked, verify
from retrieval.presupposed import Likeness
from retrieval.sources import Source, source_of
from store.models import Block, Cell, Chunk, Frozen, Page, Span

CASES = Path(__file__).with_name("liar_cases.jsonl")
OPINIONS = Path(__file__).with_name("liar_opinions.jsonl")


class Case(Frozen):
    """A sentence as a model says it, of excerpts numbered from 1; `kind` lie, truth or swap."""

    case: str
    kind: str
    sort: str
    documents: tuple[str, ...]
    said: str
    split: str


class Cases:
    """The cases of a file with the pages that they speak of."""

    def __init__(self, path: Path = CASES):
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        documents = [line for line in lines if "document" in line]
        self.cases = [Case(**line) for line in lines if "case" in line]
        self._pages = {n: _page(n, document) for n, document in enumerate(documents, 1)}
        self.likeness = Likeness()
        self._ids = {document["document"]: n for n, document in enumerate(documents, 1)}
        read = [json.loads(line) for line in OPINIONS.read_text("utf-8").splitlines()]
        self.opinions: dict[str, bool] = {line["case"]: line["follows"] for line in read}

    def pages(self, ids: Collection[int]) -> Mapping[int, Page]:
        return {id_: self._pages[id_] for id_ in ids}

    def sources(self, case: Case) -> list[Source]:
        """The excerpts that the model is said to have been sent, in their order."""
        return [self._source(name) for name in case.documents]

    def verdict(self, case: Case) -> Verdict | None:
        return verify(case.said, self.sources(case), self.pages, self.likeness)

    def supported(self, case: Case) -> bool:
        found = self.verdict(case)
        return found is not None and found.supported

    def _source(self, name: str) -> Source:
        page = self._pages[self._ids[name]]
        chunk = Chunk(
            id=name, document_id=name, space_id="s", name=f"{name}.txt", page=1, section="",
            spans=(Span(page_id=page.id, start=0, end=len(page.text)),), header=name,
            text=page.text,
        )  # fmt: skip
        return source_of(chunk, "main", self._pages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("--http", type=int, default=40, help="how many go through a server")
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    all_ = Cases(args.cases)
    took, held, compared = [], {}, set()
    for case in all_.cases:
        began = time.perf_counter()
        found = all_.verdict(case)
        held[case.case] = found is not None and found.supported
        if found and found.doubt:
            compared.add(case.case)
        took.append((time.perf_counter() - began) * 1000)
    again = {c: all_.opinions.get(c, h) if h or c in compared else h for c, h in held.items()}
    for split in ("fit", "read", "test", "subtle"):
        cases = [c for c in all_.cases if c.split == split]
        _report(split, cases, held, compared)
        if any(c.case in all_.opinions for c in cases):
            _report(f"{split}, read again by a model", cases, again, ())
    print(f"ms a sentence: median {statistics.median(took):.1f}, most {max(took):.1f}")
    sample = random.Random(1).sample(all_.cases, min(args.http, len(all_.cases)))
    if sample:
        through = _through_http(all_, sample)
        same = sum(through[case.case] == held[case.case] for case in sample)
        print(f"through HTTP and the stream: {same} of {len(sample)} as by verify")
        _report("sample", sample, through, compared)
        sample = [case for case in sample if case.case in all_.opinions]
        through = _through_http(all_, sample, all_.opinions)
        same = sum(through[case.case] == again[case.case] for case in sample)
        print(f"the same, read again by a model over HTTP: {same} of {len(sample)}")
    if args.show:
        for case in all_.cases:
            if case.split == "fit" and held[case.case] != (case.kind == "truth"):
                print(f"{case.kind}, {case.sort}: {case.said} ({', '.join(case.documents)})")


def _report(
    name: str, cases: Sequence[Case], held: Mapping[str, bool], compared: Collection[str]
) -> None:
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for case in cases:
        ok = held[case.case] == (case.kind == "truth")
        right[case.kind, ""].append(ok)
        right[case.kind, case.sort].append(ok)
    words = {"lie": "lies blocked or marked", "truth": "truthful passed", "swap": "swaps caught"}
    for kind, title in words.items():
        found = right[kind, ""]
        if found:
            print(f"{name:6} {title:24} {sum(found) / len(found):.3f}  {sum(found)}/{len(found)}")
            doubted = sum(c.kind == kind and c.case in compared for c in cases)
            print(f"         marked with their source to compare: {doubted}")
        for (k, sort), oks in right.items():
            if k == kind and sort and kind != "swap":
                print(f"         {sort:22} {sum(oks)}/{len(oks)}")


def _through_http(
    all_: Cases, sample: Sequence[Case], opinions: Mapping[str, bool] | None = None
) -> dict[str, bool]:
    """Whether each sentence was shown as supported, told by a model over HTTP and, where there are
    `opinions`, read again by another."""
    from retrieval.generate import LanguageModels, Models, messages_for
    from retrieval.llama import Asked, node_of, quiet_settings
    from retrieval.prompts import prompt
    from retrieval.second_reading import SecondReader

    quiet_settings()
    said = {case.case: case.said for case in sample}
    held: dict[str, bool] = {}
    compares = prompt("compare").text.partition("\n")[0]

    def say(system: str, user: str) -> str:
        if opinions is not None and system.startswith(compares):
            return json.dumps({"follows": opinions[sample[len(held)].case]})
        return said[user]

    with ScriptedServer(say) as server:
        models = LanguageModels(Models(names=("liar",), base_url=server.base_url))
        for case in sample:
            sources = all_.sources(case)
            nodes = [node_of(source) for source in sources]
            messages, _ = messages_for("answer", case.case, nodes, models.models)
            asked = Asked(query_str=case.case, deadline=time.monotonic() + 30)
            stream = models.stream(messages, asked)
            next(stream)  # the model's name
            second = None if opinions is None else SecondReader(models, asked, print)
            told = (lambda of=sources: of), all_.pages, Ledger(), all_.likeness
            shown = list(checked(stream, *told, second))
            held[case.case] = bool(shown) and all(s.supported for s in shown)
    return held


def _page(id_: int, document: dict) -> Page:
    """A page of prose, or of one table whose first row is its header."""
    if "text" in document:
        return Page(id=id_, parse_id=1, number=1, text=document["text"], how="text")
    text, cells = "", []
    for r, row in enumerate(document["rows"]):
        for c, words in enumerate(row):
            text += ("\t" if c else "\n" if r else "") + words
            start = len(text) - len(words)
            cells.append(Cell(start=start, end=len(text), row=r, column=c, header=r == 0))
    block = Block(kind="table", start=0, end=len(text), cells=tuple(cells))
    return Page(id=id_, parse_id=1, number=1, text=text, how="text", blocks=(block,))


if __name__ == "__main__":
    main()
