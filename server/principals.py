"""Who asks. Until people sign in, everybody who reaches this server is its administrator."""

from __future__ import annotations

import hmac

from starlette.requests import HTTPConnection

from store.errors import FootnoteError
from store.models import LOCAL_ADMIN, Principal


class NotSignedIn(FootnoteError):
    """The caller showed a token that is not this server's."""


def of_screen() -> Principal:
    """Who sits before a screen."""
    return LOCAL_ADMIN


def of_request(connection: HTTPConnection, token: str) -> Principal:
    """Who sent a request. A token, where one is shown, must be the owner's.

    A command line shows the token it read in owner.json: a server that took over the address but
    has another data folder open must not answer it.
    """
    scheme, _, shown = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and not hmac.compare_digest(shown.encode(), token.encode()):
        raise NotSignedIn("This server has another data folder open than the token is for.")
    return LOCAL_ADMIN
