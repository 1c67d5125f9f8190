"""The ASGI application: `streamlit run app.py` and `uvicorn app:app` both serve it.

Streamlit finds `app` by reading this file's source, so it must be a literal `st.App(...)` at
module level; otherwise Streamlit would run this file as a screen, without any of the protection.
"""

import sys
from pathlib import Path

from server.standing import claim_for_server
from store.settings import Settings

settings = Settings()
claim_for_server(__name__, settings.data)  # a second server ends before the imports below

import streamlit as st  # noqa: E402
from streamlit import config  # noqa: E402

from server import front  # noqa: E402

if config._main_script_path is None:  # under uvicorn: .streamlit/config.toml is beside this file
    config._main_script_path = __file__


def address() -> str:
    """Where command lines reach this server; noted in the data folder's owner.json."""
    if config._server_mode == "asgi-server":  # uvicorn does not tell an application its port
        flags = dict(zip(sys.argv, sys.argv[1:], strict=False))
        host, port = flags.get("--host", "127.0.0.1"), flags.get("--port", "8000")
    else:
        host = config.get_option("server.address") or "127.0.0.1"
        port = config.get_option("server.port")
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"


app = st.App(
    Path(__file__).resolve().parent / "pages" / "shell.py",
    lifespan=front.lifespan(settings, address),
    routes=front.routes(),
    middleware=front.middleware(settings, Path(st.__file__).parent / "static" / "index.html"),
    exception_handlers={Exception: front.crash_page},
)
config.set_option("server.maxUploadSize", settings.max_file_mb)

if __name__ == "__main__":
    app.run(config={"server.address": settings.host, "server.port": settings.port})
