"""The script Streamlit runs: navigation between the screens, and nothing while Footnote is shut."""

from pathlib import Path

import streamlit as st

from server import doors

HERE = Path(__file__).resolve().parent

st.set_page_config(page_title="Footnote", page_icon=str(HERE / "parts" / "icon.png"), layout="wide")
st.logo(str(HERE / "parts" / "icon.png"), size="large")
st.html(HERE / "parts" / "style.css")
screen = st.navigation(
    [
        st.Page(HERE / "chat.py", title="Chat", icon=":material/chat:", default=True),
        st.Page(HERE / "documents.py", title="Documents", icon=":material/folder_open:"),
        st.Page(HERE / "admin.py", title="Admin", icon=":material/tune:"),
    ],
)
try:
    doors.current()
except doors.NotOpen as error:
    st.error(str(error))
    st.stop()
screen.run()
