"""Databases lent to tests: copies of one migrated database, emptied between one test and the next.

A copy costs a seventh of a second, to empty one a fortieth. What a test did to the schema, or a process that is still
connected when the test is over, makes the copy worthless: it is dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from tests.stack_fixtures import Database, LocalPostgres

Connection = psycopg.Connection[tuple[Any, ...]]

END_OTHERS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
OTHERS = """
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
# Whatever is made or dropped changes one of these; what is only written into changes none.
SCHEMA = """
select (select count(*) from pg_class where relkind <> 't'), (select max(oid) from pg_class where relkind <> 't'),
       (select md5(string_agg(xmin::text || oid, ',' order by oid)) from pg_proc where pronamespace >= 2200),
       (select md5(string_agg(xmin::text || oid, ',' order by oid)) from pg_trigger),
       (select md5(string_agg(xmin::text || oid, ',' order by oid)) from pg_constraint where connamespace >= 2200),
       (select count(*) from pg_db_role_setting),
       (select md5(string_agg(relacl::text || oid, ',' order by oid)) from pg_class where relkind <> 't')
"""
WRITTEN = """
select oid::regclass::text from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0 order by oid
"""
SEQUENCES = "select schemaname || '.' || sequencename, start_value, last_value from pg_sequences order by 1"


@dataclass(frozen=True)
class _Pristine:
    """What a migrated database holds before anybody worked with it."""

    schema: tuple[Any, ...]
    rows: dict[str, bytes]  # by table, as COPY writes them
    sequences: list[tuple[Any, ...]]


@dataclass
class Databases:
    """`with databases.lent() as database: …`"""

    postgres: LocalPostgres
    template: str
    _free: list[Database] = field(default_factory=list)
    _pristine: _Pristine | None = None

    @contextmanager
    def lent(self) -> Iterator[Database]:
        database = self._free.pop() if self._free else self._copy()
        yield database
        if self._emptied(database):
            self._free.append(database)
        else:
            self.postgres.drop_database(database.name)

    def _copy(self) -> Database:
        made = self.postgres.create_database(template=self.template)
        if self._pristine is None:
            with psycopg.connect(made.superuser_url, autocommit=True) as connection:
                self._pristine = _pristine(connection)
        return made

    def _emptied(self, database: Database) -> bool:
        """Whether it is as it was. Raises nothing that a test might have caused: False then."""
        assert self._pristine is not None
        try:
            with psycopg.connect(database.superuser_url, autocommit=True) as connection:
                connection.execute(END_OTHERS)
                if _one(connection, SCHEMA) != self._pristine.schema:
                    return False
                _restore(connection, self._pristine)
                return _one(connection, OTHERS) == (0,)
        except psycopg.Error:
            return False


def _pristine(connection: Connection) -> _Pristine:
    tables = [name for (name,) in connection.execute(WRITTEN).fetchall()]
    return _Pristine(
        schema=_one(connection, SCHEMA),
        rows={name: _read(connection, name) for name in tables},
        sequences=connection.execute(SEQUENCES).fetchall(),
    )


def _restore(connection: Connection, pristine: _Pristine) -> None:
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")  # no trigger guards the record against this
        connection.execute("set local lock_timeout = '5s'")
        kept = pristine.rows
        written = [name for (name,) in connection.execute(WRITTEN).fetchall()]
        changed = [name for name in written if name not in kept or _read(connection, name) != kept[name]]
        if changed:
            names = sql.SQL(", ").join(sql.SQL(name) for name in changed)
            connection.execute(sql.SQL("truncate {} cascade").format(names))
        for name, rows in kept.items():
            if not _read(connection, name):
                with connection.cursor().copy(f"copy {name} from stdin") as writing:
                    writing.write(rows)
        now = connection.execute(SEQUENCES).fetchall()
        for name, start, last in (was for was in pristine.sequences if was not in now):
            connection.execute("select setval(%s::regclass, %s, %s)", (name, last or start, last is not None))


def _read(connection: Connection, table: str) -> bytes:
    with connection.cursor().copy(f"copy {table} to stdout") as reading:
        return b"".join(bytes(part) for part in reading)


def _one(connection: Connection, query: str) -> tuple[Any, ...]:
    found = connection.execute(query).fetchone()
    assert found is not None
    return found
