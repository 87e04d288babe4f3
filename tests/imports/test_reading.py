"""CSV as it comes: both ways of reading agree with Python's csv module, and every fault names its place."""

import csv
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.importing import reading
from integrations.importing.problems import FileStopped, UnreadableFile
from integrations.importing.reading import CsvReader


def read(data, **options):
    """(header, [(line, {column: cell})], ragged lines)"""
    reader = CsvReader(io.BytesIO(data if isinstance(data, bytes) else data.encode()), **options)
    rows, ragged = [], []
    for chunk in reader.chunks():
        columns = {name: series.to_list() for name, series in chunk.cells.items()}
        rows += [
            (line, {name: cells[at] for name, cells in columns.items()})
            for at, line in enumerate(chunk.line.to_list())
        ]
        ragged += [(row.line, row.cells) for row in chunk.ragged]
    return reader.header, rows, ragged


def test_plain_rows_have_their_lines_and_empty_cells_are_unknown():
    header, rows, ragged = read("a,b\n1,\n,2\n")
    assert header == ["a", "b"]
    assert rows == [(2, {"a": "1", "b": None}), (3, {"a": None, "b": "2"})]
    assert ragged == []


@pytest.mark.parametrize(
    "data",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4\r\n",
        "a,b\n1,2\n3,4",
        "\ufeffa,b\n1,2\n3,4\n",
        'a,b\n"1",2\n3,"4"\n',
    ],
    ids=["lf", "crlf", "no last line end", "bom", "quoted"],
)
def test_line_ends_a_mark_at_the_front_and_quotes_make_no_difference(data):
    assert read(data) == (["a", "b"], [(2, {"a": "1", "b": "2"}), (3, {"a": "3", "b": "4"})], [])


def test_a_quoted_cell_may_hold_line_ends_commas_and_quotes_and_later_lines_still_count_right():
    data = 'a,b\n1,"one\r\ntwo, ""three""\n"\n2,x\n\n3,y\n'
    _, rows, _ = read(data)
    assert rows == [
        (2, {"a": "1", "b": 'one\r\ntwo, "three"\n'}),
        (5, {"a": "2", "b": "x"}),
        (7, {"a": "3", "b": "y"}),
    ]


def test_a_row_of_another_width_is_set_aside_and_the_others_stay():
    _, rows, ragged = read("a,b\n1,2\n1,2,3\n1\n3,4\n")
    assert [line for line, _ in rows] == [2, 5]
    assert ragged == [(3, ["1", "2", "3"]), (4, ["1"])]


def test_one_row_too_wide_and_one_too_narrow_do_not_hide_each_other():
    _, rows, ragged = read("a,b\n1\n1,2,3\n")
    assert rows == []
    assert [line for line, _ in ragged] == [2, 3]


def test_a_header_alone_is_a_file_without_rows():
    assert read("a,b\n") == (["a", "b"], [], [])
    assert read("a,b") == (["a", "b"], [], [])


cell = st.text(alphabet=st.sampled_from(list('ab1,"\n\r ü€😀\t')), max_size=8)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(cell, min_size=2, max_size=2), max_size=12),
    block=st.sampled_from([1, 2, 3, 7, 64, 4096]),
    chunk=st.sampled_from([1, 2, 25_000]),
    # with LF line ends Python's writer leaves a lone CR without quotes, which is no CSV
    how=st.sampled_from([{"lineterminator": "\r\n"}, {"lineterminator": "\n", "quoting": csv.QUOTE_ALL}]),
)
def test_whatever_is_written_as_csv_is_read_back(rows, block, chunk, how):
    out = io.StringIO()
    table = csv.writer(out, **how)
    table.writerow(["a", "b"])
    table.writerows(rows)
    before = reading.BLOCK, reading.ROWS_A_CHUNK
    reading.BLOCK, reading.ROWS_A_CHUNK = block, chunk
    try:
        _, found, ragged = read(out.getvalue())
    finally:
        reading.BLOCK, reading.ROWS_A_CHUNK = before
    assert not ragged
    assert [list(each.values()) for _, each in found] == [[a or None, b or None] for a, b in rows]
    lines = out.getvalue().split("\n")
    for (line, _), (a, b) in zip(found, rows, strict=True):
        start = io.StringIO()
        csv.writer(start, **how).writerow([a, b])
        assert lines[line - 1] == start.getvalue().split("\n")[0]


BROKEN = [
    (b"a,b\n1,2\n1,\xe9t\xe9\n", 3, "b", "not UTF-8"),
    ("a,b\n1,2\n".encode("utf-16"), 1, "", "not UTF-8"),
    (b"a,b\n1,2\n3\x00,4\n", 3, "a", "NUL"),
    (b'a,b\n1,2\n3,"4\n5,6\n', 3, "b", "not closed"),
    (b'a,b\n1,"2', 2, "b", "not closed"),
    (b'a,b\n"1"x,2\n', 2, "a", "closing quote"),
    (b'a,b\n1,"2"x\n', 2, "b", "closing quote"),
    (b"a,b\n1,2\rx\n", 2, "b", "carriage return"),
    (b"a,b,a\n1,2,3\n", 1, "a", "twice"),
    (b",".join(b"c%d" % n for n in range(1001)) + b"\n", 1, "", "1,001 columns"),
    (b"x" * 500 + b",b\n1,2\n", 1, "x" * 60, "too long"),
    (b"a,b\n1," + b"x" * (1024**2 + 1) + b"\n", 2, "b", "larger than 1 MB"),
    (b'a,b\n"' + b"x\n" * (1024**2) + b'",2\n', 2, "a", "not closed"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "line", "column", "words"), BROKEN, ids=[w for *_, w in BROKEN])
def test_a_file_that_cannot_be_read_says_where_and_why(data, line, column, words):
    with pytest.raises(UnreadableFile) as caught:
        read(data)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in str(caught.value)
    assert f"line {line}" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_stopped(data):
    with pytest.raises(FileStopped, match="empty"):
        read(data)


def test_columns_without_a_name_are_left_out():
    header, rows, _ = read("a,,b,\n1,2,3,4\n")
    assert header == ["a", "", "b", ""]
    assert rows == [(2, {"a": "1", "b": "3"})]


class Endless:
    """A stream that gives `size` bytes without ever holding them."""

    def __init__(self, head: bytes, size: int, tail: bytes) -> None:
        self.parts = [head, size, tail]

    def read(self, size: int, /) -> bytes:
        first = self.parts[0] if self.parts else b""
        if isinstance(first, bytes):
            return self.parts.pop(0) if self.parts else b""
        piece = min(size, first)
        self.parts[0] = first - piece
        if not self.parts[0]:
            self.parts.pop(0)
        return b"x" * piece


@pytest.mark.parametrize("quote", [b"", b'"'])
@pytest.mark.parametrize("megabytes", [10, 50])
def test_memory_stays_flat_under_a_cell_of_any_size(quote, megabytes):
    stream = Endless(b"a,b\n1," + quote, megabytes * 1024**2, quote + b"\n")
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile) as caught:
            for _ in CsvReader(stream).chunks():
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.line == 2
    assert peak < 90 * 1024**2, f"{peak / 1024**2:.0f} MB"
