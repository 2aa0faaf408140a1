"""Databases lent to tests: copies of one migrated database, emptied between one test and the next.

A copy costs a fifth of a second of processor time, to empty one a twentieth. What a test did to the schema, many rows,
or a process that is still connected when the test is over make the copy worthless: it is dropped.
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
select oid::regclass::text, pg_relation_size(oid) from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0 order by oid
"""
MOST = 1024 * 1024  # bytes of a table; what is deleted keeps its place in it
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
                written = dict(connection.execute(WRITTEN).fetchall())
                if max(written.values(), default=0) > MOST:
                    return False
                _restore(connection, self._pristine, list(written))
                return _one(connection, OTHERS) == (0,)
        except psycopg.Error:
            return False


def _pristine(connection: Connection) -> _Pristine:
    return _Pristine(
        schema=_one(connection, SCHEMA),
        rows={name: _read(connection, name) for name, _ in connection.execute(WRITTEN).fetchall()},
        sequences=connection.execute(SEQUENCES).fetchall(),
    )


# The record's triggers fire for everybody; those of a copy to be lent let whoever empties it pass.
GUARDS = """
select format('alter table %s enable trigger %I', tgrelid::regclass, tgname) from pg_trigger where tgenabled = 'A'
"""


def lendable(connection: Connection) -> None:
    """Makes a migrated database one whose copies can be emptied."""
    for (loosen,) in connection.execute(GUARDS).fetchall():
        connection.execute(loosen)


def _restore(connection: Connection, pristine: _Pristine, written: list[str]) -> None:
    """Deleted, not truncated: new files for every table that refers to one take ten times as long."""
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")  # no trigger, no reference in the way
        connection.execute("set local lock_timeout = '5s'")
        kept = pristine.rows
        changed = [name for name in written if name not in kept or _read(connection, name) != kept[name]]
        with connection.pipeline():
            for name in changed:
                connection.execute(sql.SQL("delete from only {}").format(sql.SQL(name)))
        for name in kept.keys() & changed:
            with connection.cursor().copy(f"copy {name} from stdin") as writing:
                writing.write(kept[name])
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
