"""How a column is declared: the few kinds there are, each once."""

from typing import Any

from sqlalchemy import ARRAY, Column, DateTime, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

NOW = text("now()")


def a_moment(*, default_now: bool = False, nullable: bool = True) -> Any:
    return Field(
        sa_column=Column(
            DateTime(timezone=True),
            nullable=nullable and not default_now,
            server_default=NOW if default_now else None,
        )
    )


def sealed_bytes(nullable: bool = False) -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=nullable))


def a_count(start: int = 0) -> Any:
    return Field(default=start, sa_column_kwargs={"server_default": str(start)})


def some_words() -> Any:
    return Field(sa_column=Column(ARRAY(Text), nullable=False, server_default="{}"))


def some_json(nullable: bool = True) -> Any:
    return Field(sa_column=Column(JSONB, nullable=nullable))


def id_of(name: str) -> Any:
    return Field(foreign_key=name, sa_type=Text)


def a_text(primary_key: bool = False) -> Any:
    return Field(sa_type=Text, primary_key=primary_key)
