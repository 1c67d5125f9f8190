"""Lets through one plain SELECT over the tables at hand, and nothing else. Raises Refused."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

MOST_CHARACTERS = 20_000
_FUNCTION_NAMES = (
    "count sum avg min max total abs round length lower upper trim instr substr coalesce nullif"
    " ifnull like glob"
)
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
"""Functions that read their arguments and nothing else, by SQLite's names."""

_NODES = (
    exp.Select, exp.Union, exp.Subquery, exp.From, exp.Where, exp.Join, exp.Group, exp.Having,
    exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct, exp.With, exp.CTE, exp.TableAlias,
    exp.Alias, exp.Table, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Null, exp.Boolean,
    exp.Placeholder, exp.Paren, exp.Tuple, exp.Binary, exp.Unary, exp.Between, exp.In, exp.Is,
    exp.Case, exp.If, exp.Cast, exp.TryCast, exp.DataType, exp.Exists, exp.Func,
)  # fmt: skip


class Refused(ValueError):
    """This is not a plain SELECT over these tables; the text says what it is instead."""


def passed(sql: str, tables: dict[str, frozenset[str]]) -> str:
    """`sql` where it is one SELECT over `tables` (columns by table); raises Refused.

    SQLite's authorizer checks the same again when it is prepared; either alone would do.
    """
    if len(sql) > MOST_CHARACTERS:
        raise Refused("it is too long")
    try:
        statements = sqlglot.parse(sql, read="sqlite")
    except (SqlglotError, RecursionError) as error:
        raise Refused("it cannot be read as SQL") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.Union):
        raise Refused("it is not a single SELECT")
    tree = statements[0]
    named = {cte.alias_or_name.casefold() for cte in tree.find_all(exp.CTE)}
    if named & set(tables):
        raise Refused("it gives a table's name to something else")
    for cte in tree.find_all(exp.CTE):
        # SQLite recurses without the word RECURSIVE, too.
        own = cte.alias_or_name.casefold()
        if any(inner.name.casefold() == own for inner in cte.this.find_all(exp.Table)):
            raise Refused("it is recursive")
    for node in tree.walk():
        _check(node, tables, named)
    return sql


def _check(node: exp.Expr, tables: dict[str, frozenset[str]], named: set[str]) -> None:
    if isinstance(node, exp.With) and node.args.get("recursive"):
        raise Refused("it is recursive")
    if isinstance(node, exp.Table):
        if node.args.get("db") or node.args.get("catalog"):
            raise Refused("it names another database")
        if not isinstance(node.this, exp.Identifier):
            raise Refused("it reads from a function")
        if node.name.casefold() not in named | set(tables):
            raise Refused(f"there is no table “{node.name}”")
    if isinstance(node, exp.Func) and not isinstance(node, _OPERATORS):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        if name.casefold() not in FUNCTIONS and not isinstance(node, _SAME):
            raise Refused(f"the function “{name}” is not allowed")
    elif not isinstance(node, _NODES):
        raise Refused(f"it has a {type(node).__name__.lower()}")


_OPERATORS = (exp.Binary, exp.Case, exp.If, exp.Cast)
_SAME = (exp.StrPosition, exp.Substring, exp.Coalesce, exp.Exists, exp.And, exp.Or, exp.Connector)
"""Functions that sqlglot calls by names other than SQLite's."""
