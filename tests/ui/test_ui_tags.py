"""Tags, filters and parts: how values read, that they escape, and that every part renders with and without context."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django import forms
from django.template import Context, Template

from config.templatetags import marks, words

ROOT = Path(__file__).resolve().parent.parent.parent
EVIL = '<script>alert("x")</script>'
NBSP = "\u00a0"


def render(source: str, **context) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (412_000, "USD", "$412k"),
        (Decimal("2671234.50"), "EUR", "€2.67M"),
        (950, "GBP", "£950"),
        (4_200, "USD", "$4.2k"),
        (4_000, "USD", "$4k"),
        (999_600, "USD", "$1M"),
        (9_990, "USD", "$10k"),
        (26_700_000, "USD", "$26.7M"),
        (267_000_000, "USD", "$267M"),
        (1_250_000_000, "USD", "$1.25B"),
        (-17_400, "USD", "−$17k"),
        (0, "USD", "$0"),
        ("412000", "", "412k"),
        (12_345, "CHF", f"CHF{NBSP}12k"),
        (None, "USD", "—"),
        ("", "USD", "—"),
        ("n/a", "USD", "—"),
        (float("nan"), "USD", "—"),
    ],
)
def test_money_reads_short(amount, currency, text):
    assert words.money(amount, currency) == text


def test_money_full_shows_cents_only_when_there_are_any():
    assert words.money_full(Decimal("350200.00"), "USD") == "$350,200"
    assert words.money_full(Decimal("350200.5"), "USD") == "$350,200.50"
    assert words.money_full(-1, "EUR") == "−€1"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.47, "47%"), (0, "0%"), (1, "100%"), (0.004, "<1%"), (0.997, ">99%"), (0.125, "13%"), (None, "—")],
)
def test_pct_never_claims_certainty(share, text):
    assert words.pct(share) == text


def test_pct_with_places():
    assert words.pct("0.1184", 1) == "11.8%"
    assert words.pct("0.0004", 1) == "<0.1%"
    assert words.pct("0.9999", 1) == ">99.9%"


@pytest.mark.parametrize(
    ("value", "text"),
    [(-17, "−17"), (9, "+9"), (0, "0"), (-7.8, "−7.8"), (Decimal("-0.04"), "0.0"), (None, "—")],
)
def test_points_carry_their_sign(value, text):
    assert words.points(value) == text


def test_points_with_places_line_up():
    assert words.points(-17, 1) == "−17.0"


def test_day_names_the_year_only_when_it_differs():
    as_of = date(2026, 11, 17)
    assert words.day(date(2026, 2, 14), as_of) == "14 Feb"
    assert words.day(date(2027, 2, 14), as_of) == "14 Feb 2027"
    assert words.day(datetime(2026, 2, 14, 23, 0, tzinfo=UTC), as_of) == "14 Feb"
    assert words.day(None, as_of) == "—"


@pytest.mark.parametrize(
    ("value", "text"),
    [(89, "in 89 days"), (1, "in 1 day"), (0, "today"), (-3, "3 days ago"), (None, "—")],
)
def test_in_days(value, text):
    assert words.in_days(value) == text


def test_in_days_counts_from_the_as_of_day():
    assert words.in_days(date(2027, 2, 14), date(2026, 11, 17)) == "in 89 days"


def test_intervals():
    assert words.interval(0.36, 0.58, "pct") == "36–58"
    assert words.interval(-14, 41) == "−14 to 41"
    assert words.interval(None, 41) == ""
    assert words.interval(148_000, 239_000, "money") == "148k–239k"


def test_rows_of_stops_counting():
    assert words.rows_of(26, 50, 131) == "rows 26–50 of 131"
    assert words.rows_of(1, 25, 10_001) == "rows 1–25 of 10,000+"
    assert words.rows_of(1, 0, 0) == "no rows"


def test_small_words():
    assert words.stored_word("best_case") == "Best case"
    assert words.stored_word("") == "—"
    assert [
        words.go_key(label) for label in ("Queue", "Accounts", "Approvals", "Outcomes", "Renewals", "Growth")
    ] == [*"qaronw"]
    assert words.go_key("") == ""
    assert words.number_or_dash(1240) == "1,240"


@pytest.mark.parametrize(
    ("stored", "css", "label"),
    [
        ("critical", "t-crit", "Critical"),
        ("at_risk", "t-high", "At risk"),
        ("watch", "t-watch", "Watch"),
        ("healthy", "t-good", "Healthy"),
    ],
)
def test_a_band_is_colour_shape_and_word(stored, css, label):
    html = render("{% band band %}", band=stored)
    assert f'class="tone {css}"' in html
    assert "<use href=" in html
    assert label in html


@pytest.mark.parametrize("stored", ["unknown", "", None, EVIL])
def test_an_unknown_band_is_a_dash_without_a_mark(stored):
    html = render("{% band band %}", band=stored)
    assert "No data" in html
    assert "<svg" not in html
    assert "<script" not in html


@pytest.mark.parametrize(
    ("level", "css", "label"),
    [
        ("low", "t-good", "Risk low"),
        ("medium", "t-watch", "Risk medium"),
        ("critical", "t-crit", "Risk critical"),
    ],
)
def test_a_level_of_risk_is_colour_shape_and_words(level, css, label):
    html = render("{% risk level %}", level=level)
    assert f'class="tone {css} x"' in html
    assert html.endswith(f"{label}</span>")
    assert "<svg" in html


@pytest.mark.parametrize("level", ["", "odd", None])
def test_without_a_level_nothing_is_shown(level):
    assert render("{% risk level %}", level=level) == ""


def test_band_tone_can_be_taken_apart():
    assert render('{% band_tone "watch" as tone %}{{ tone.css }} {{ tone.icon }} {{ tone.label }}') == (
        "t-watch watch Watch"
    )


def test_a_missing_week_is_a_gap_in_the_line():
    assert marks.spark([57, 55, None, 40, 38], "critical").count("<polyline") == 2
    assert 'aria-label="5 values: from 57 to 38"' in marks.spark([57, 55, None, 40, 38], "critical")


def test_a_line_of_one_value_is_a_dot_and_of_none_a_dash():
    assert "<polyline" not in marks.spark([57])
    assert "<circle" in marks.spark([57])
    assert "no history" in marks.spark([None, None])
    assert "no history" in marks.spark(None)


def test_a_quiet_line_stays_flat():
    ys = [float(y) for y in re.findall(r",([\d.]+)", marks.spark([50, 51, 50]))]
    assert max(ys) - min(ys) < 2


@pytest.mark.parametrize(("value", "width"), [(29, "29.0"), (-5, "0.0"), (400, "100.0"), (None, "0.0")])
def test_bars_stay_on_their_track(value, width):
    assert f'width="{width}" height="6"' in marks.bar(value, 100, "critical")


def test_a_loss_goes_left_and_a_gain_right():
    assert 'class="c-crit" x="8.0" y="2" width="25.0"' in marks.delta(Decimal("-7.8125"), 10)
    assert 'class="c-good" x="33.0"' in marks.delta(2, 10)


def test_the_chance_bars_speak():
    html = render("{% p3 0.09 0.24 0.47 %}")
    assert '<span class="vh">90 days: </span>47%' in html
    assert "c-crit" in html
    assert "c-crit" not in render("{% p3 0.01 0.02 0.05 %}")
    assert render("{% p3 None None None %}").count("—") == 3


def test_the_cohort_strip():
    assert 'aria-label="percentile 12 of the cohort"' in marks.strip(12)
    assert "no cohort value" in marks.strip(None)


def test_icons_exist_where_templates_name_them():
    sheet = set(re.findall(r'<symbol id="i-(\w+)"', (ROOT / "templates/_icons.html").read_text()))
    assert sheet == marks.ICONS
    sources = [path.read_text() for path in ROOT.glob("**/templates/**/*.html") if ".venv" not in path.parts]
    named = {name for source in sources for name in re.findall(r'{% icon "(\w+)"', source)}
    assert named - sheet == set()
    assert "#i-info" in marks.icon("nonsense")


def test_a_missing_score_is_never_zero():
    html = render('{% score None "unknown" since="no data since 2 Nov" %}')
    assert "no data since 2 Nov" in html
    assert "0" not in html


def test_a_score_shows_its_doubt():
    html = render(
        '{% score 38 "critical" history -17 late="usage 31 h late" override="Set by you: 62" %}',
        history=[57, 38],
    )
    for text in ("<b>38</b>", "Critical", "−17", "usage 31 h late", "Set by you: 62", "points in 30 days"):
        assert text in html


def test_parts_escape_what_people_wrote():
    html = render(
        "{% note evil title=evil url=evil label=evil %}{% empty_state evil evil url=evil label=evil %}"
        "{% pager evil newer=evil newer_rows=evil target=evil %}{% toast evil undo=evil target=evil %}"
        '{% progress_panel evil label=evil url=evil text=evil error=evil result_url=evil state="failed" %}'
        '{% spark values "watch" evil %}{% strip 12 label=evil %}{% score 38 evil override=evil late=evil %}'
        "{% chart evil figure evil size=evil %}{{ evil|stored_word }}{{ 5|money:evil }}",
        evil=EVIL,
        values=[1, 2],
        figure={"data": [{"name": EVIL}]},
    )
    assert "alert(&quot;x&quot;)" in html
    assert re.findall(r"<script(?! id=)", html) == []


def test_a_pager_keeps_real_links():
    html = render(
        '{% pager "rows 26–50 of 131" newer="?before=a" newer_rows="/rows/?before=a" target="#list" %}'
    )
    assert 'href="?before=a"' in html
    assert 'hx-push-url="?before=a"' in html
    assert "Older" not in html


@pytest.mark.parametrize(
    ("state", "asks"), [("queued", True), ("running", True), ("finished", False), ("failed", False)]
)
def test_progress_asks_only_while_it_runs(state, asks):
    html = render(
        '{% progress_panel "7" label="Import" url="/jobs/7/" done=3 total=12 state=state %}', state=state
    )
    assert ("hx-get" in html) is asks
    assert ("<progress" in html) is asks
    assert 'id="progress-7"' in html


def test_a_toast_goes_into_the_open_page_and_undoes_by_post():
    html = render('{% toast "Accepted" undo="/undo/" oob=True %}', csrf_token="t0ken")
    assert 'hx-swap-oob="beforeend:#toasts"' in html
    assert 'method="post"' in html
    assert 'value="t0ken"' in html
    assert "data-stay" in render('{% toast "No" tone="crit" %}')


class OverrideForm(forms.Form):
    score = forms.IntegerField(label="You say", help_text="0 to 100")
    why = forms.ChoiceField(
        choices=[("a", "Not a real risk"), ("b", "Data is wrong")], widget=forms.RadioSelect
    )
    wake = forms.BooleanField(label="Wake earlier", required=False)
    note = forms.CharField(widget=forms.Textarea, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean(self):
        raise forms.ValidationError("The account changed meanwhile")


FIELDS = "{% form_errors form %}{% for bound in form %}{% field bound %}{% endfor %}"


def test_fields_tie_label_hint_and_error_together():
    html = render(FIELDS, form=OverrideForm({"score": "many", "note": EVIL}))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for group in re.findall(r'aria-describedby="([^"]+)"', html):
        assert set(group.split()) <= set(ids)
    assert 'aria-describedby="id_score_helptext id_score_error"' in html
    assert 'aria-invalid="true"' in html
    assert "<legend" in html
    assert "(optional)" in html
    assert "<script" not in html


def test_a_refused_form_lists_its_faults_with_links():
    html = render("{% form_errors form %}", form=OverrideForm({"score": "many"}))
    assert "3 things to correct" in html
    assert 'href="#id_score"' in html
    assert "The account changed meanwhile" in html
    assert "data-autofocus" in html
    assert render("{% form_errors form %}", form=OverrideForm()).strip() == ""


def test_a_hint_may_come_from_the_template():
    html = render('{% field form.note hint="Saved with your name." %}', form=OverrideForm())
    assert 'aria-describedby="id_note_helptext"' in html
