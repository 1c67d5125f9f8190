"""What cells mean, how tables are found on pages, and what the database lets through."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator

import pytest

from ingestion.parsers.flow import Flow
from retrieval.tabular.database import TookTooLong, database_of
from retrieval.tabular.extract import MOST_CELLS, tables_in
from retrieval.tabular.guard import Refused, passed
from retrieval.tabular.plan import Filter, Plan
from retrieval.tabular.sql import Query, columns_of, query_of
from retrieval.tabular.table import Table
from retrieval.tabular.values import Day, moment, quantity, writes_comma_decimals
from store.models import Chunk, Page, Span


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("1,234", 1234, ""),
        ("1 234,5", 1234.5, ""),
        ("1,234,567.89", 1234567.89, ""),
        ("€1,180.00", 1180, "€"),
        ("$ -12", -12, "$"),
        ("(1,234)", -1234, ""),
        ("−3.5%", -3.5, "%"),
        ("1.2 million", 1200000, ""),
        ("USD 3.5 bn", 3500000000, "USD"),
        ("210 kW", 210, "kw"),
        ("42[3]", 42, ""),
        ("7*", 7, ""),
        ("3rd", 3, ""),
        ("1:02:03", 3723, "time"),
    ],
)
def test_a_number_is_read_with_its_unit(text: str, number: float, unit: str):
    found = quantity(text)
    assert found is not None
    assert found.number == pytest.approx(number)
    assert found.unit == unit


@pytest.mark.parametrize("text", ["", "n/a", "24–17", "W 3", "12 May 2001", "a 5", "1.2.3", "(5"])
def test_what_is_no_number_is_none(text: str):
    assert quantity(text) is None


def test_a_column_that_writes_decimals_behind_commas_groups_with_points():
    assert writes_comma_decimals(["1.250", "12,5", "0,75"])
    assert not writes_comma_decimals(["1,250", "12.5"])
    found = quantity("1.250", comma_decimals=True)
    assert found is not None
    assert found.number == 1250


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-03-01", Day(2024, 3, 1)),
        ("6 November 1999", Day(1999, 11, 6)),
        ("Sept. 5, 2010", Day(2010, 9, 5)),
        ("October 6–16, 2011", Day(2011, 10, 6)),
        ("31/12/2020", Day(2020, 12, 31)),
        ("3/4/2020", Day(2020, 0, 0)),
        ("October 2011", Day(2011, 10, 0)),
        ("1987–88", Day(1987, 0, 0)),
        ("1999", Day(1999, 0, 0)),
    ],
)
def test_a_date_is_read_as_far_as_it_is_said(text: str, day: Day):
    assert moment(text) == day
    assert moment("about " + text) is None


class Pages:
    """The pages of one parse, with what `tables_in` asks of the catalog."""

    def __init__(self, flow: Flow):
        file = flow.finish()
        self.all = [
            Page(id=n, parse_id=1, **{k: getattr(p, k) for k in type(p).model_fields})
            for n in range(1, file.info.pages + 1)
            for p in [file.page(n)]
        ]

    def pages(self, page_ids: Collection[int]) -> dict[int, Page]:
        return {page.id: page for page in self.all if page.id in page_ids}

    def each_page(self, parse_id: int) -> Iterator[Page]:
        return iter(self.all)

    def spaces(self) -> dict[str, str]:
        return {"s": "main"}

    def tables(self, page: int = 1) -> list[Table]:
        text = self.all[page - 1].text
        span = Span(page_id=page, start=0, end=len(text))
        chunk = Chunk(
            id="c", document_id="d", space_id="s", name="log.csv", spans=(span,), page=page,
            section="", header="", text=text,
        )  # fmt: skip
        return tables_in(self, [chunk])


def rows(count: int) -> list[list[str]]:
    return [["Valve", "Bar"], *([f"V{i}", f"{i % 7}"] for i in range(count))]


def test_a_table_that_goes_on_is_read_whole_from_any_of_its_pages():
    flow = Flow(max_page_chars=100)
    flow.table(rows(100), 1)
    pages = Pages(flow)
    assert len(pages.all) > 3
    for page in (1, 3, len(pages.all)):
        (table,) = pages.tables(page)
        assert [row[0].text for row in table.rows if row[0]] == [f"V{i}" for i in range(100)]
        assert not table.cut
        for row in table.rows:
            for value in row:
                assert value is not None
                assert pages.all[value.page_id - 1].text[value.start : value.end] == value.text


def test_sheets_with_the_same_columns_are_different_tables():
    flow = Flow()
    for sheet in ("January", "February"):
        flow.page(sheet)
        flow.table(rows(4), 1)
    assert [len(table.rows) for table in Pages(flow).tables(1)] == [4]


def test_a_table_of_too_many_cells_is_cut_and_says_so():
    flow = Flow()
    flow.table(rows(MOST_CELLS // 2 + 500), 1)
    (table,) = Pages(flow).tables()
    assert table.cut
    assert len(table.rows) == MOST_CELLS // 2


def test_names_in_two_rows_are_joined():
    flow = Flow()
    flow.table(
        [
            ["Language", "2001", "", "1991", ""],
            ["", "Speakers", "Share", "Speakers", "Share"],
            *([f"L{i}", f"{i}00", f"{i}%", f"{i}50", f"{i}%"] for i in range(1, 6)),
        ],
        1,
    )
    (table,) = Pages(flow).tables()
    names = ["Language", "2001 Speakers", "2001 Share", "1991 Speakers", "1991 Share"]
    assert [column.name for column in table.columns] == names
    assert [column.kind for column in table.columns] == ["text", *["number"] * 4]


@pytest.fixture
def valves() -> Table:
    flow = Flow()
    flow.table(rows(20), 1)
    return Pages(flow).tables()[0]


COLUMNS = frozenset(["id", "c0", "c1"])


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE t0",
        "DELETE FROM t0",
        "UPDATE t0 SET c0 = 1",
        "INSERT INTO t0 VALUES (1)",
        "SELECT 1; SELECT 2",
        "PRAGMA query_only = OFF",
        "ATTACH 'x.db' AS x",
        "VACUUM INTO 'x.db'",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM x.t0",
        "SELECT * FROM pragma_table_info('t0')",
        "SELECT * FROM json_each('[1]')",
        "SELECT load_extension('x') FROM t0",
        "SELECT writefile('x', c0) FROM t0",
        "SELECT randomblob(1000000000) FROM t0",
        "SELECT printf('%1000000000d', 1) FROM t0",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "WITH t0 AS (SELECT 1) SELECT * FROM t0",
        "CREATE TEMP TABLE x AS SELECT 1",
        "EXPLAIN SELECT * FROM t0",
        "not sql at all (",
        "",
    ],
)
def test_anything_but_one_plain_select_is_refused(sql: str):
    with pytest.raises(Refused):
        passed(sql, {"t0": COLUMNS})


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE t0",
        "DELETE FROM t0",
        "INSERT INTO t0 (id) VALUES (1)",
        "PRAGMA query_only = OFF",
        "ATTACH 'x.db' AS x",
        "CREATE TEMP TABLE x AS SELECT 1",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM pragma_table_info('t0')",
        "SELECT load_extension('x')",
        "SELECT randomblob(1000000000)",
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    ],
)
def test_the_database_refuses_by_itself_what_slips_past_the_parser(valves: Table, sql: str):
    with database_of(valves) as database:
        with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited"):
            database.connection.execute(sql)
        assert len(database.rows(Query("SELECT id FROM t0", ()))) == 20


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, c0 FROM t0 WHERE c1n > 3 ORDER BY c1n DESC LIMIT 5",
        "SELECT count(*), sum(c1n), avg(c1n), min(c1n), max(c1n) FROM t0",
        "SELECT c1, count(DISTINCT c0) FROM t0 GROUP BY c1 HAVING count(*) > 1",
        "WITH n AS (SELECT c1 AS v FROM t0) SELECT max(v) FROM n",
        "SELECT id FROM t0 WHERE instr(c0t, ' v1 ') > 0 OR c0 LIKE 'V1%' OR c0 IN ('V2', 'V3')",
        "SELECT CASE WHEN c1n > 3 THEN 'a' ELSE 'b' END, round(c1n, 1), abs(-c1n) FROM t0",
        "SELECT lower(c0), upper(c0), length(c0), substr(c0, 1, 2), trim(c0) FROM t0",
        "SELECT coalesce(c1n, 0), nullif(c1n, 0) FROM t0 WHERE c1n IS NOT NULL",
    ],
)
def test_plain_selects_run(valves: Table, sql: str):
    with database_of(valves) as database:
        assert database.rows(Query(sql, ()))


def test_a_query_without_end_is_stopped(valves: Table):
    sql = f"SELECT count(*) FROM {', '.join(f't0 AS a{i}' for i in range(12))}"
    with database_of(valves) as database:
        began = time.monotonic()
        with pytest.raises(TookTooLong):
            database.rows(Query(sql, ()), limit_s=0.2)
        assert time.monotonic() - began < 5


def test_what_a_question_says_is_a_parameter_never_sql(valves: Table):
    said = "x') OR 1=1; DROP TABLE t0; --"
    filters = (Filter(column=0, op="holds", values=(f" {said} ",), said=said),)
    for kind in ("lookup", "count", "sum", "average", "extreme", "neighbour"):
        plan = Plan(kind=kind, filters=filters, target=0, by=1, step=1)
        query = query_of(plan, valves)
        assert "DROP" not in query.sql
        assert f" {said} " in query.parameters
        with database_of(valves) as database:
            assert database.rows(query) == []
            assert len(database.rows(Query("SELECT id FROM t0", ()))) == 20


def test_columns_have_names_of_ours_only(valves: Table):
    assert columns_of(valves) == ["id", "c0", "c0t", "c0n", "c0d", "c1", "c1t", "c1n", "c1d"]
