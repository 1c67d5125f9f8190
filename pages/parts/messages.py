"""What there is to say after an action: it stays through the screen's own redraws, for a while."""

from __future__ import annotations

import time
from typing import Literal

import streamlit as st

from pages.parts.inert import inert

_KEY = "messages"
_SECONDS = 20.0

Sort = Literal["error", "info"]


def say(sort: Sort, text: str) -> None:
    """Show `text` from now on; a list that is drawn every second must not wipe it away."""
    until = time.monotonic() + _SECONDS
    st.session_state.setdefault(_KEY, []).append((sort, text, until))


def show() -> None:
    """The messages that are not yet old."""
    now = time.monotonic()
    current = [m for m in st.session_state.get(_KEY, []) if m[2] > now]
    st.session_state[_KEY] = current
    for sort, text, _ in current:
        (st.error if sort == "error" else st.info)(inert(text))
