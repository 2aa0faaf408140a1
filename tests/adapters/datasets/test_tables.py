"""Tables as people send them: separators, encodings, quotes, gzip, Parquet, and what is no table at all."""

import gzip
from pathlib import Path

import pytest

from plimsoll.adapters.datasets.tables import TableUnreadable, read_table, unlike_each_other

ROWS = [["größe", "betrag", "zweck"], ["1", "2,50", "Möbel"], ["2", "3,75", 'ein "Auto"; neu'], ["3", "", "–"]]


def written(path: Path, separator: str = ";", encoding: str = "utf-8", quote: str = '"') -> Path:
    def cell(text: str) -> str:
        unsafe = separator in text or quote in text or (separator == "," and "," in text)
        return quote + text.replace(quote, quote * 2) + quote if unsafe else text

    text = "".join(separator.join(cell(text) for text in row) + "\r\n" for row in ROWS)
    path.write_bytes(text.encode(encoding))
    return path


def read_back(path: Path) -> list[list[str]]:
    table = read_table(path)
    columns = [table.column(heading) for heading in table.headings]
    return [
        table.headings,
        *([column.words[column.codes[row]] for column in columns] for row in range(len(table))),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_separator_and_encoding_are_found_by_looking(tmp_path, separator, encoding):
    assert read_back(written(tmp_path / "table.csv", separator, encoding)) == ROWS


def test_gzip_is_read_whatever_the_file_is_called(tmp_path):
    plain = written(tmp_path / "plain.csv")
    (tmp_path / "table.dat").write_bytes(gzip.compress(plain.read_bytes()))
    assert read_back(tmp_path / "table.dat") == ROWS


def test_single_quotes_are_quotes_where_there_are_no_others(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "'x, y','z'\n" * 5)
    assert read_table(path).column("a").words == ["x, y"]


def test_a_line_break_inside_quotes_belongs_to_the_cell(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a,b\n"one\ntwo",3\n4,5\n')
    assert "one\ntwo" in read_table(path).column("a").words


def test_rows_of_another_length_are_left_out_and_counted(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,2\n" * 8 + "1,2,3\n")
    table = read_table(path)
    assert (len(table), table.left_out_rows) == (8, 1)


def test_parquet_comes_with_its_own_kinds(tmp_path):
    import datetime

    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "table.parquet"
    parquet.write_table(
        pyarrow.table(
            {"n": [1.5, None], "d": [datetime.date(2024, 5, 1), None], "yes": [True, False], "list": [[1], []]}
        ),
        path,
    )
    table = read_table(path)
    assert table.headings == ["n", "d", "yes"]
    assert table.column("n").words == ["1.5"]
    assert table.column("n").codes.tolist() == [0, -1]
    assert table.column("d").words == ["2024-05-01"]
    assert table.column("yes").words == ["true", "false"]


def test_headings_are_made_unlike_each_other():
    assert unlike_each_other(["a", "a", "", "a (2)"]) == ["a", "a (2)", "column 3", "a (2) [4]"]
    assert unlike_each_other(["two\nlines", " b  c "]) == ["two lines", "b c"]


def test_only_the_columns_asked_for_are_read(tmp_path):
    assert read_table(written(tmp_path / "table.csv"), only=["betrag"]).headings == ["betrag"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,b\n", "has headings and no rows"),
        (b"PK\x03\x04rest", "a spreadsheet or a zip archive; save it as CSV or Parquet"),
        (b"onecolumn\n1\n2\n", "has one column only"),
        (b"\x1f\x8bnot gzip", "cannot be read"),
        (b"PAR1 broken", "cannot be read as Parquet"),
    ],
)
def test_what_is_no_table_is_said_in_one_sentence(tmp_path, content, told):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(TableUnreadable) as refused:
        read_table(path)
    assert told in refused.value.message
    assert "\n" not in refused.value.message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TableUnreadable, match=r"There is no file .*nowhere\.csv"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(TableUnreadable, match="is a folder; name a file in it"):
        read_table(tmp_path)


def test_a_column_that_is_gone_is_named_with_the_others(tmp_path):
    with pytest.raises(TableUnreadable, match="no column 'zins' any more; it has größe, betrag, zweck"):
        read_table(written(tmp_path / "table.csv")).column("zins")
