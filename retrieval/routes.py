"""The ways in which a question can be answered, by name; opens nothing."""

from __future__ import annotations

from store.errors import BadInput

ROUTES = ("facts", "summary", "compare", "tables", "mentions")


def checked_route(route: str | None) -> str | None:
    """The name of a way, None where the question decides. Raises BadInput."""
    if not route or route == "automatic":
        return None
    if route not in ROUTES:
        raise BadInput(
            f"There is no way “{str(route)[:40]}” to answer; choose one of {', '.join(ROUTES)}."
        )
    return route
