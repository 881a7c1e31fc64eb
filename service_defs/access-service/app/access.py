"""The access service: answers whether a reader may see an article.

    PUT    /grants/<reader>/<article>    the reader may see it from now on
    DELETE /grants/<reader>/<article>    no longer
    GET    /access/<reader>/<article>    {"allowed": true or false}
    GET    /health                       what runs here, and whether the database answers

The environment says where the database is (DATABASE_URL) and what this is (SOOP_SERVICE, SOOP_VERSION, SOOP_NODE).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from flask import Flask, Response, jsonify
from psycopg2.extensions import connection as Connection
from werkzeug.exceptions import HTTPException

CONNECT_SECONDS = 3
STATEMENT_MILLISECONDS = 5000
LONGEST_NAME = 200

log = logging.getLogger("access")
app = Flask(__name__)
_local = threading.local()


class InvalidName(ValueError):
    """A reader or an article has a name that cannot be one."""


@contextmanager
def database() -> Iterator[Connection]:
    """Lend this thread's connection; commit at the end, or roll back and forget the connection if something failed."""
    connection = getattr(_local, "connection", None)
    if connection is None or connection.closed:
        connection = _local.connection = psycopg2.connect(
            os.environ["DATABASE_URL"],
            connect_timeout=CONNECT_SECONDS,
            application_name=os.environ.get("SOOP_NODE", "access"),
            options=f"-c statement_timeout={STATEMENT_MILLISECONDS}",
            keepalives_idle=10,
            keepalives_interval=3,
            keepalives_count=3,
            tcp_user_timeout=4000,
        )
    try:
        with connection:
            yield connection
    except psycopg2.Error:
        _local.connection = None
        connection.close()
        raise


def execute(statement: str, *values: str) -> list[tuple[object, ...]]:
    """Run one statement; once more if the connection turns out to have been lost since it was last used."""
    for attempt in (1, 2):
        fresh = getattr(_local, "connection", None) is None
        try:
            with database() as connection, connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if fresh or attempt == 2:
                raise
    raise AssertionError("not reached")


def checked(*names: str) -> tuple[str, ...]:
    """Return names that the database can hold, or say what is wrong with them."""
    for name in names:
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidName(f"a name has at most {LONGEST_NAME} printable characters")
    return names


@app.put("/grants/<reader>/<article>")
def grant(reader: str, article: str) -> tuple[str, int]:
    """Let a reader see an article; again changes nothing."""
    execute(
        "INSERT INTO grants (reader, article) VALUES (%s, %s) ON CONFLICT (reader, article) DO NOTHING",
        *checked(reader, article),
    )
    return "", 204


@app.delete("/grants/<reader>/<article>")
def revoke(reader: str, article: str) -> tuple[str, int]:
    """Take the right away; of what was never granted too."""
    execute("DELETE FROM grants WHERE reader = %s AND article = %s", *checked(reader, article))
    return "", 204


@app.get("/access/<reader>/<article>")
def access(reader: str, article: str) -> Response:
    """Answer whether a reader may see an article."""
    rows = execute("SELECT 1 FROM grants WHERE reader = %s AND article = %s", *checked(reader, article))
    return jsonify(allowed=bool(rows))


@app.get("/health")
def health() -> tuple[Response, int]:
    """Answer what runs here and whether the database can be reached."""
    try:
        execute("SELECT 1 FROM grants LIMIT 1")
        state = "reachable"
    except psycopg2.Error as error:
        log.warning("health: the database does not answer: %s", str(error).strip())
        state = "unreachable"
    answer = jsonify(
        service=os.environ.get("SOOP_SERVICE", "access-service"),
        version=os.environ.get("SOOP_VERSION", "unknown"),
        node=os.environ.get("SOOP_NODE", "unknown"),
        database=state,
    )
    return answer, 200 if state == "reachable" else 503


@app.errorhandler(InvalidName)
def _invalid_name(error: InvalidName) -> tuple[Response, int]:
    return jsonify(error=str(error)), 400


@app.errorhandler(psycopg2.Error)
def _database_failed(error: psycopg2.Error) -> tuple[Response, int]:
    log.error("the database failed: %s", str(error).strip())
    return jsonify(error="the database does not answer"), 503


@app.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.description), error.code or 500
