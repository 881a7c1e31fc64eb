"""SQL is split as PostgreSQL splits it, whatever somebody writes."""

from __future__ import annotations

import re
import time

import pytest

from soop_components.build.sql_scanner import Scanner, Unreadable


def heads(text: str) -> list[str]:
    """Return the first word of each statement, a part of another one in brackets."""
    found = [(each.text.partition(" ")[0], each.is_inside) for each in Scanner(text).statements()]
    return [f"({word})" if is_inside else word for word, is_inside in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (";;\n;", []),
        ("SELECT 1; COMMIT;", ["select", "commit"]),
        ("SELECT 1;COMMIT", ["select", "commit"]),
        ("SELECT 1\n;\rCOMMIT\r\n;", ["select", "commit"]),
        # Comments
        ("-- COMMIT;\nSELECT 1;", ["select"]),
        ("-- x\rCOMMIT;", ["commit"]),
        ("/* COMMIT; /* ; */ COMMIT; */ SELECT 1;", ["select"]),
        ("/*/ COMMIT; */ SELECT 1;", ["select"]),
        ("/**/COMMIT/**/;", ["commit"]),
        ("/***/ COMMIT; /****/", ["commit"]),
        ("SELECT 1 */* COMMIT; */ 2;", ["select"]),
        ("SELECT 1 <-- COMMIT;\n 2; ABORT;", ["select", "abort"]),
        ("-- it's\nCOMMIT;", ["commit"]),
        # Strings
        ("SELECT 'a; COMMIT; b''; COMMIT;';", ["select"]),
        ("SELECT '\\'; COMMIT; --';", ["select", "commit"]),
        ("SELECT E'\\'; COMMIT; --';", ["select"]),
        ("SELECT e'\\\\'; COMMIT; --';", ["select", "commit"]),
        ("SELECT E'a' -- one\n 'b\\'; COMMIT; --';", ["select"]),
        ("SELECT E'a' 'b\\'; COMMIT; --';", ["select", "commit"]),
        ("SELECT name'\\'; COMMIT; --';", ["select", "commit"]),
        ("SELECT U&'\\'; COMMIT; --';", ["select", "commit"]),
        ("SELECT N'\\', B'\\', X'\\'; COMMIT; --';", ["select", "commit"]),
        ("SELECT 'one\ntwo'; COMMIT;", ["select", "commit"]),
        # Names
        ('SELECT "a; COMMIT; b""; COMMIT;";', ["select"]),
        ('SELECT U&"\\"; COMMIT;', ["select", "commit"]),
        ('SELECT "it\'s"; COMMIT;', ["select", "commit"]),
        ("SELECT 1 AS \u00a0COMMIT;", ["select"]),
        ("\u00a0COMMIT;", ["\u00a0COMMIT"]),
        ("rollbac\u212a;", ["rollbac\u212a"]),  # the Kelvin sign is not a k for PostgreSQL
        # Dollar quotes
        ("DO $$ BEGIN NEW.x := now(); COMMIT; END $$;", ["do"]),
        ("DO $a$ $$; COMMIT; $b$; $a$; COMMIT;", ["do", "commit"]),
        ("SELECT $$a$b$$; COMMIT;", ["select", "commit"]),
        ("SELECT $b$a$$b$; COMMIT;", ["select", "commit"]),
        ("SELECT a$$b; COMMIT; SELECT c$$d;", ["select", "commit", "select"]),
        ("SELECT $1$$; COMMIT; $$;", ["select"]),
        ("SELECT 1$$; COMMIT; $$;", ["select"]),
        ("SELECT $é$; COMMIT; $é$;", ["select"]),
        ("SELECT $A$; $a$; COMMIT; $A$;", ["select"]),
        ("SELECT 5 $ 3; COMMIT;", ["select", "commit"]),
        # Statements with statements in them
        ("CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b); COMMIT;", ["create", "commit"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN (CASE b WHEN 1 THEN 2 END) "
            "END; SELECT t.end, 1 AS case; END; COMMIT;",
            ["create", "(select)", "(select)", "(end)", "commit"],
        ),
        ("CREATE OR REPLACE PROCEDURE p() BEGIN /* */ ATOMIC DELETE FROM t; END; ABORT", ["create", "(end)", "abort"]),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 case; END; COMMIT;", ["create", "(end)", "(commit)"]),
        ("CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMIT;", ["create", "commit"]),
        ("CREATE TABLE begin (atomic int); COMMIT;", ["create", "commit"]),
        ("SELECT 1 begin atomic; COMMIT;", ["select", "commit"]),
        ("SELECT ); COMMIT;", ["select", "commit"]),
        # Data
        ("COPY t FROM stdin;\nCOMMIT;\n'\t$$\n\\.\nSELECT 1;", ["copy", "select"]),
        ("COPY t (a, b) FROM STDIN WITH (FORMAT csv); -- three\n1,2\n\\.\r\nABORT;", ["copy", "abort"]),
        ("COPY t FROM stdin;\n\\.\n;COMMIT", ["copy", "commit"]),
        ("COPY t FROM stdin;\nCOMMIT;", ["copy"]),
        ("COPY t FROM stdin;\n \\.\nCOMMIT;\n\\.", ["copy"]),
        ("COPY t FROM stdin", ["copy"]),
        ("COPY t TO stdout;\nCOMMIT;", ["copy", "commit"]),
        ("COPY (SELECT 1 FROM stdin) TO '/x';\nCOMMIT;", ["copy", "commit"]),
        ('COPY t FROM "stdin";\nCOMMIT;', ["copy", "commit"]),
    ],
)
def test_statements(text: str, expected: list[str]) -> None:
    assert heads(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("SELECT 1;\n\nSELECT 'x''", 3, "the string that begins here does not end"),
        ("SELECT E'x\\';", 1, "the string that begins here does not end"),
        ("SELECT\n $a$ $A$", 2, "the string that begins here with $a$ does not end"),
        ('SELECT "x""', 1, "the name that begins here does not end"),
        ("\n/* /* */", 2, "the comment that begins here does not end"),
        ("SELECT 1;\n\\! rm -r x", 2, "expected SQL; psql's commands"),
        ("SELECT 1 \\gexec", 1, "expected SQL; psql's commands"),
        ("SELECT 1\\; COMMIT;", 1, "expected SQL; psql's commands"),
        ("COPY t FROM stdin;\n1\n\\.\n\\.\n", 4, "expected SQL; psql's commands"),
        ("COPY t FROM stdin; COMMIT;\n1\n\\.\n", 1, "expected nothing after COPY"),
        ("COPY t FROM stdin; --\rCOMMIT;\n1\n\\.\n", 1, "expected nothing after COPY"),
        ("SELECT 1;\0 COMMIT;", 1, "expected text (got a zero byte)"),
    ],
)
def test_what_cannot_be_followed_says_where(text: str, line: int, problem: str) -> None:
    with pytest.raises(Unreadable, match="^" + re.escape(problem)) as raised:
        heads(text)
    assert raised.value.line == line


def test_lines_are_those_of_an_editor() -> None:
    text = "-- 1\n\n  SELECT $$\n\n$$; COMMIT\n;\nCOPY t FROM stdin;\n1\n2\n\\.\nEND;"
    scanner = Scanner(text)
    assert [(each.line, each.text) for each in scanner.statements()] == [
        (3, "select '' "),
        (5, "commit "),
        (7, "copy t from stdin "),
        (11, "end "),
    ]
    assert scanner.comments == [(1, "-- 1")]


@pytest.mark.parametrize("piece", ["''", "'' \n", "E'\\", "$a", "$$", "/*", "*/", '""', "(", "--\n'", "a;", "\\."])
def test_time_grows_with_length_only(piece: str) -> None:
    begun = time.process_time()
    for text in (piece * 50_000, "'" + piece * 50_000, "E'" + piece * 50_000, "COPY t FROM stdin;\n" + piece * 50_000):
        try:
            heads(text)
        except Unreadable:
            continue
    assert time.process_time() - begun < 5
