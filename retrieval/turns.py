"""Answers that are written in the background, kept as they grow, followed and stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from store.errors import Cancelled, FootnoteError
from store.models import Answer, Turn, TurnState

if TYPE_CHECKING:
    from store.catalog import Catalog

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Answers written at the same time; further ones wait."""
INTERRUPTED = "Footnote was stopped while it wrote this answer; ask again."
FAILED = "Something went wrong while this answer was written; the log says what."

Write = Callable[[threading.Event], Iterator[Answer]]
"""Growing answers, the last one final; ends with Cancelled once the event is set."""


class Turns:
    """The running turns of this process. Whose they are is checked by the caller."""

    def __init__(self, catalog: Catalog):
        self.catalog = catalog
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="answer")
        self._changed = threading.Condition()
        self._stops: dict[str, threading.Event] = {}
        # Nobody writes these any more: the folder's lock is ours.
        for turn in catalog.running_turns():
            warnings = (*turn.answer.warnings, INTERRUPTED)
            catalog.save_turn(
                turn.id, turn.answer.model_copy(update={"warnings": warnings}), "failed"
            )

    def start(self, turn_id: str, question: str, write: Write) -> None:
        """Begin to write in the background."""
        stop = threading.Event()
        with self._changed:
            self._stops[turn_id] = stop
        self._pool.submit(self._run, turn_id, Answer(question=question), stop, write)

    def cancel(self, turn_id: str) -> None:
        """Stop writing; what is there is kept. A turn that is finished stays as it is."""
        with self._changed:
            stop = self._stops.get(turn_id)
        if stop is not None:
            stop.set()

    def follow(self, turn_id: str) -> Iterator[Turn]:
        """The turn each time it has grown, the last time finished."""
        shown: Turn | None = None
        while True:
            with self._changed:
                running = turn_id in self._stops
                turn = self.catalog.turn(turn_id)
                if turn == shown and running:
                    self._changed.wait(0.5)
                    continue
            if turn != shown:
                yield turn
            shown = turn
            if not running or turn.state != "running":
                return

    def close(self) -> None:
        """Stop every running turn and wait for them."""
        with self._changed:
            for stop in self._stops.values():
                stop.set()
        self._pool.shutdown(wait=True)

    def _run(self, turn_id: str, answer: Answer, stop: threading.Event, write: Write) -> None:
        state: TurnState = "done"
        try:
            if stop.is_set():
                raise Cancelled("The answer was stopped.")
            for grown in write(stop):
                answer = grown
                self._save(turn_id, answer, "running")
        except Cancelled:
            state = "cancelled"
        except FootnoteError as error:
            state, answer = "failed", _warned(answer, str(error))
        # The thread's own end: without this a bug would leave the turn running for ever.
        except Exception:
            log.exception("turn %s failed", turn_id)
            state, answer = "failed", _warned(answer, FAILED)
        self._save(turn_id, answer, state)

    def _save(self, turn_id: str, answer: Answer, state: TurnState) -> None:
        with self._changed:
            self.catalog.save_turn(turn_id, answer, state)
            if state != "running":
                self._stops.pop(turn_id, None)
            self._changed.notify_all()


def _warned(answer: Answer, sentence: str) -> Answer:
    return answer.model_copy(update={"warnings": (*answer.warnings, sentence)})
