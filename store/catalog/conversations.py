"""Conversations and their turns."""

from __future__ import annotations

import secrets
import time

from sqlalchemy import Row, func, select

from store.catalog import tables as t
from store.catalog.base import Queries, named
from store.errors import NotFound
from store.models import Answer, Conversation, Turn, TurnState


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
                .values(title=question[:80])
            )
        return turn_id

    def save_turn(self, turn_id: str, answer: Answer, state: TurnState) -> None:
        with self.db.write() as c:
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

    def running_turns(self) -> list[Turn]:
        """Turns that a process left unfinished, or is still answering."""
        with self.db.read() as c:
            return [
                _turn(r) for r in c.execute(select(t.turns).where(t.turns.c.state == "running"))
            ]


def _turn(row: Row) -> Turn:
    values = named(row)
    del values["seq"]
    values["answer"] = Answer.model_validate_json(values["answer"])
    return Turn(**values)
