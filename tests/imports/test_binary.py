"""The binary COPY that numpy lays out, against PostgreSQL's own reading of it."""

from collections import Counter
from datetime import date

import polars as pl
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.importing import binary

pytestmark = pytest.mark.django_db

ROW = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.floats(allow_nan=False),
)
SCHEMA = {"a": pl.Int64, "b": pl.Date, "c": pl.Float64, "d": pl.Float64}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=30))
def test_what_is_laid_out_is_read_back(rows):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS laid_out (a int8, b date, c float8, d float8)")
        cursor.execute("DELETE FROM laid_out")
        binary.copy_rows(
            "laid_out", ["int8", "date", "float8", "float8"], pl.DataFrame(rows, SCHEMA, orient="row")
        )
        cursor.execute("SELECT * FROM laid_out")
        assert Counter(cursor.fetchall()) == Counter(rows)  # a temporary table has no order
