"""Conversations and their turns."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterator

from sqlalchemy import Row, Select, func, select

from store import redaction
from store.catalog import tables as t
from store.catalog.base import Queries, named
from store.catalog.deletions import deleted_among
from store.errors import NotFound
from store.models import Answer, Conversation, Turn, TurnState

_TITLE = 80  # characters of the first question


class ConversationQueries(Queries):
    """Conversations of a principal. Whose they are is checked by the caller."""

    def new_conversation(self, principal_id: str, title: str = "") -> str:
        conversation_id = "c" + secrets.token_hex(12)
        with self.db.write() as c:
            c.execute(
                t.conversations.insert().values(
                    id=conversation_id,
                    principal_id=principal_id,
                    title=title,
                    created_at=time.time(),
                )
            )
        return conversation_id

    def conversation(self, conversation_id: str) -> Conversation:
        """Raises NotFound."""
        with self.db.read() as c:
            row = c.execute(
                select(t.conversations).where(t.conversations.c.id == conversation_id)
            ).first()
            if row is None:
                raise NotFound("This conversation is gone.")
            turns = c.execute(
                select(t.turns)
                .where(t.turns.c.conversation_id == conversation_id)
                .order_by(t.turns.c.seq)
            )
            return Conversation(**named(row), turns=tuple(_turn(r) for r in turns))

    def conversations(self, principal_id: str) -> list[Conversation]:
        """Without their turns, newest first; those never asked in are left out."""
        k = t.conversations.c
        with self.db.read() as c:
            rows = c.execute(
                select(t.conversations)
                .where(
                    k.principal_id == principal_id,
                    select(t.turns.c.id).where(t.turns.c.conversation_id == k.id).exists(),
                )
                .order_by(k.created_at.desc())
            )
            return [Conversation(**named(r)) for r in rows]

    def delete_conversation(self, conversation_id: str) -> None:
        with self.db.write() as c:
            c.execute(t.turns.delete().where(t.turns.c.conversation_id == conversation_id))
            c.execute(t.conversations.delete().where(t.conversations.c.id == conversation_id))

    def add_turn(self, conversation_id: str, question: str) -> str:
        """Begin a turn; the first question becomes the conversation's title."""
        turn_id = "t" + secrets.token_hex(12)
        u = t.turns.c
        with self.db.write() as c:
            seq = c.execute(
                select(func.coalesce(func.max(u.seq), 0)).where(
                    u.conversation_id == conversation_id
                )
            ).scalar_one()
            c.execute(
                t.turns.insert().values(
                    id=turn_id,
                    conversation_id=conversation_id,
                    seq=seq + 1,
                    question=question,
                    answer=Answer(question=question).model_dump_json(),
                    state="running",
                    created_at=time.time(),
                )
            )
            c.execute(
                t.conversations.update()
                .where(t.conversations.c.id == conversation_id, t.conversations.c.title == "")
                .values(title=question[:_TITLE])
            )
        return turn_id

    def save_turn(self, turn_id: str, answer: Answer, state: TurnState) -> None:
        """What it has of documents that were removed while it was written is left out."""
        with self.db.write() as c:
            if gone := deleted_among(c, redaction.documents_of(answer)):
                answer = redaction.without_traces_of(answer, gone)
            c.execute(
                t.turns.update()
                .where(t.turns.c.id == turn_id)
                .values(answer=answer.model_dump_json(), state=state)
            )

    def turn(self, turn_id: str) -> Turn:
        """Raises NotFound."""
        with self.db.read() as c:
            row = c.execute(select(t.turns).where(t.turns.c.id == turn_id)).first()
        if row is None:
            raise NotFound("This question is gone.")
        return _turn(row)

    def conversations_about(self, document_id: str, names: Collection[str] = ()) -> list[str]:
        """Ids of conversations that quote or searched a document, or name it in a question."""
        with self.db.read() as c:
            found = list(c.execute(_about(document_id)).scalars())
            for name in filter(None, names):
                asks = func.instr(func.lower(t.turns.c.question), name.lower()) > 0
                found += c.execute(select(t.turns.c.conversation_id).where(asks)).scalars()
        return list(dict.fromkeys(found))

    def quotes_of(self, document_id: str) -> dict[str, int]:
        """How often stored answers still quote a document, and how often their traces name it."""
        turns = select(t.turns.c.answer).where(func.instr(t.turns.c.answer, document_id) > 0)
        quotes = traces = 0
        with self.db.read() as c:
            for text in c.execute(turns).scalars():
                answer = Answer.model_validate_json(text)
                quotes += redaction.quotes_of(answer, document_id)
                traces += redaction.named_in_trace(answer, document_id)
        return {"conversations: quotes": quotes, "conversations: traces": traces}

    def texts_of_conversations(self, conversation_ids: Collection[str]) -> Iterator[str]:
        """Every text of these conversations: questions, answers, traces, notes of marks."""
        for conversation_id in conversation_ids:
            with self.db.read() as c:
                turns = c.execute(_turns_of(conversation_id)).all()
                notes = c.execute(_notes_of(conversation_id)).all()
            for row in turns:
                yield row.question
                yield from redaction.texts_of(_turn(row).answer.model_dump())
            yield from (row.note for row in notes)

    def forget_in_conversations(
        self,
        conversation_ids: Collection[str],
        document_ids: Collection[str],
        clean: redaction.Clean,
    ) -> None:
        """Leave nothing of these documents in these conversations, as `store.redaction` has it.

        A conversation a transaction; done again, it changes nothing.
        """
        for conversation_id in conversation_ids:
            with self.db.write() as c:
                turns = c.execute(_turns_of(conversation_id)).all()
                for row in turns:
                    answer = redaction.without_documents(_turn(row).answer, document_ids, clean)
                    c.execute(
                        t.turns.update()
                        .where(t.turns.c.id == row.id)
                        .values(question=clean(row.question), answer=answer.model_dump_json())
                    )
                for row in c.execute(_notes_of(conversation_id)).all():
                    mine = (t.marks.c.turn_id == row.turn_id) & (
                        t.marks.c.principal_id == row.principal_id
                    )
                    c.execute(t.marks.update().where(mine).values(note=clean(row.note)))
                k = t.conversations.c
                title = c.execute(select(k.title).where(k.id == conversation_id)).scalar()
                if title:
                    # Cut from the first question, it may end within a word: cut anew.
                    first = turns[0].question if turns else ""
                    whole = first if first.startswith(title) else title
                    c.execute(
                        t.conversations.update()
                        .where(k.id == conversation_id)
                        .values(title=clean(whole)[:_TITLE])
                    )

    def running_turns(self) -> list[Turn]:
        """Turns that a process left unfinished, or is still answering."""
        with self.db.read() as c:
            return [
                _turn(r) for r in c.execute(select(t.turns).where(t.turns.c.state == "running"))
            ]


def _about(document_id: str) -> Select:
    return select(t.turns.c.conversation_id).where(func.instr(t.turns.c.answer, document_id) > 0)


def _turns_of(conversation_id: str) -> Select:
    u = t.turns.c
    return select(t.turns).where(u.conversation_id == conversation_id).order_by(u.seq)


def _notes_of(conversation_id: str) -> Select:
    return (
        select(t.marks)
        .join(t.turns, t.turns.c.id == t.marks.c.turn_id)
        .where(t.turns.c.conversation_id == conversation_id)
    )


def _turn(row: Row) -> Turn:
    values = named(row)
    del values["seq"]
    values["answer"] = Answer.model_validate_json(values["answer"])
    return Turn(**values)
