"""Texts of customers: how they sound, who said it, competitors they name; and how well the word list does."""

import csv
from pathlib import Path

import pytest

from accounts import models
from scoring.sentiment import VERSION
from scoring.sentiment.competitors import find_competitors
from scoring.sentiment.lexicon import LONGEST, own_words, sound
from scoring.sentiment.models import Competitor, CompetitorMention, TextReading
from scoring.sentiment.reading import read_new, read_texts
from tests.scoring.evidence import add, ago, contact, score
from tests.scoring.finding import found, missing, value

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
GOOD, BAD = "This is great, we love it.", "This is terrible, we hate it."


@pytest.fixture
def account(acme):
    return acme.add_account()


def reading(world, kind, row):
    with world.here():
        return TextReading.objects.get(kind=kind, row_id=row.pk, version=VERSION)


# One text


def test_a_text_has_a_sign_and_one_without_known_words_counts_nowhere():
    assert sound(GOOD).compound > 7_000
    assert sound(BAD).compound < -7_000
    assert (sound("Rechnung 4711 liegt bei").compound, sound("Rechnung 4711 liegt bei").confidence) == (0, 0)
    assert sound("great").confidence == 33  # one known word: 1 / (1 + 2)
    assert sound(GOOD).confidence == 50


def test_quoted_lines_and_the_far_end_of_a_text_are_left_out():
    assert own_words("Great.\n> This is terrible.\n  >> awful") == "Great."
    assert sound("fine " + "x" * LONGEST + " terrible").compound > 0


# All texts of a tenant


@pytest.mark.django_db
def test_what_the_customer_said_is_read_and_what_we_said_is_not(acme, account):
    ticket = add(acme, account, models.Ticket, opened_at=ago(9), subject="Export", body=BAD, resolution=GOOD)
    survey = add(acme, account, models.Survey, kind="nps", score=9, responded_at=ago(8), comment=GOOD)
    said = [
        add(acme, account, models.Activity, kind=kind, direction=direction, occurred_at=ago(7), body=GOOD)
        for kind, direction in (
            ("email", "inbound"),
            ("call", ""),
            ("email", "outbound"),
            ("call", "outbound"),
            ("note", ""),
        )
    ]
    add(acme, account, models.Ticket, opened_at=ago(9))  # without words
    assert read_texts(acme.tenant) == 4
    assert reading(acme, "ticket", ticket).compound < 0
    assert reading(acme, "survey", survey).compound > 0
    with acme.here():
        read = set(TextReading.objects.filter(kind="activity").values_list("row_id", flat=True))
    assert read == {said[0].pk, said[1].pk}


@pytest.mark.django_db
def test_a_text_is_read_once_and_again_when_it_changed(acme, account):
    ticket = add(acme, account, models.Ticket, opened_at=ago(9), body=BAD)
    assert read_texts(acme.tenant) == 1
    assert read_texts(acme.tenant) == 0
    with acme.here():
        from django.utils import timezone

        models.Ticket.objects.filter(pk=ticket.pk).update(body=GOOD, recorded_at=timezone.now())
    assert read_texts(acme.tenant) == 1
    assert reading(acme, "ticket", ticket).compound > 0


def plant(world, account, kind, row, compound, confidence=100):
    """A reading by hand, so that figures can be worked out without the word list."""
    with world.here():
        TextReading.objects.create(
            tenant=world.tenant, account=account, kind=kind, row_id=row.pk, version=VERSION, compound=compound,
            confidence=confidence, recorded_at=row.recorded_at,
        )  # fmt: skip


@pytest.mark.django_db
def test_tone_weighs_by_role_and_confidence(acme, account):
    boss = contact(acme, account, "executive_sponsor")
    champion = contact(acme, account, "champion")
    late = contact(acme, account, "champion", joined_at=ago(0))  # no role yet on the day
    ticket = add(acme, account, models.Ticket, opened_at=ago(90), body="x")
    mails = [
        add(
            acme, account, models.Activity, kind="email", direction="inbound", occurred_at=ago(days), body="x",
            contact_external_ids=[who.external_id],
        )
        for who, days in ((boss, 10), (late, 5))
    ]  # fmt: skip
    survey = add(
        acme, account, models.Survey, kind="nps", score=3, responded_at=ago(20), comment="x",
        contact_external_id=champion.external_id,
    )  # fmt: skip
    unknown = add(acme, account, models.Ticket, opened_at=ago(3), body="x")
    plant(acme, account, "ticket", ticket, 1_000)
    plant(acme, account, "activity", mails[0], -8_000, confidence=50)
    plant(acme, account, "ticket", unknown, 0, confidence=0)
    assert (
        missing(acme, account, "satisfaction.text_sentiment_90d") == "not_yet"
    )  # two texts with known words
    plant(acme, account, "survey", survey, 4_000)
    plant(acme, account, "activity", mails[1], 2_000)
    for days, compound in ((91, -10_000), (0, -10_000)):
        row = add(acme, account, models.Ticket, opened_at=ago(days), body="x")
        plant(acme, account, "ticket", row, compound)
    # weights 100 x 1, 50 x 3, 100 x 2, 100 x 1: (1,000 x 100 - 8,000 x 150 + 4,000 x 200 + 2,000 x 100) / 550
    assert value(acme, account, "satisfaction.text_sentiment_90d") == pytest.approx(-0.018182, abs=1e-6)
    assert value(acme, account, "satisfaction.comment_sentiment_180d") == 0.4
    line = found(acme, account, "satisfaction.comment_sentiment_180d")
    assert line["text"] == "Survey comments sound good (+0.40 on a scale to 1)"


@pytest.mark.django_db
def test_a_reading_by_another_word_list_does_not_count(acme, account):
    survey = add(acme, account, models.Survey, kind="nps", score=3, responded_at=ago(20), comment="x")
    with acme.here():
        TextReading.objects.create(
            tenant=acme.tenant, account=account, kind="survey", row_id=survey.pk, version="older", compound=9_000,
            confidence=90, recorded_at=survey.recorded_at,
        )  # fmt: skip
    assert missing(acme, account, "satisfaction.comment_sentiment_180d") == "not_tracked"


# Competitors


def rival(world, name, **values):
    with world.here():
        return Competitor.objects.create(tenant=world.tenant, name=name, **values)


@pytest.mark.django_db
def test_competitors_named_as_whole_words(acme, globex, account):
    other = acme.add_account("Other")
    rival(acme, "Rivalo")
    rival(acme, "A+ Suite")
    rival(acme, "Gone", is_active=False)
    rival(globex, "Export")
    for days, body in (
        (90, "We look at RIVALO, too."),
        (10, "Rivalos is another word; rivalo_x as well; Gone"),
        (9, "Is a+ suite better? Or Rivalo?"),
        (91, "Rivalo"),
        (0, "Rivalo"),
    ):
        add(acme, account, models.Ticket, opened_at=ago(days), subject="Export", body=body)
    add(acme, account, models.Ticket, opened_at=ago(50), closed_at=ago(5), resolution="Moved from Rivalo")
    add(acme, account, models.Ticket, opened_at=ago(50), closed_at=ago(0), resolution="Moved from Rivalo")
    add(acme, account, models.Ticket, opened_at=ago(50), resolution="Moved from Rivalo")
    for kind, direction in (("email", "inbound"), ("call", ""), ("email", "outbound")):
        add(acme, account, models.Activity, kind=kind, direction=direction, occurred_at=ago(4), body="rivalo")
    add(acme, account, models.Survey, kind="nps", score=3, responded_at=ago(2), comment="(Rivalo)")
    read_new(acme.tenant)
    assert value(acme, account, "business.competitor_mentions_90d") == 6
    line = found(acme, account, "business.competitor_mentions_90d")
    assert line["text"] == "A+ Suite and Rivalo named in 6 texts of 90 days"
    assert line["latest"] == "2026-09-29"
    assert value(acme, other, "business.competitor_mentions_90d") == 0
    with globex.here():
        assert CompetitorMention.objects.count() == 0


@pytest.mark.django_db
def test_without_a_list_there_is_nothing_to_find(acme, account):
    assert missing(acme, account, "business.competitor_mentions_90d") == "not_tracked"


@pytest.mark.django_db
def test_names_and_texts_that_come_later_are_found_and_changed_ones_forgotten(acme, account):
    ticket = add(acme, account, models.Ticket, opened_at=ago(9), body="Rivalo", recorded_at=ago(9))
    rival(acme, "Else")
    assert find_competitors(acme.tenant) == 0
    late = rival(acme, "Rivalo")
    assert find_competitors(acme.tenant) == 1
    assert find_competitors(acme.tenant) == 0  # nothing is looked through twice
    with acme.here():
        from django.utils import timezone

        models.Ticket.objects.filter(pk=ticket.pk).update(body="Nobody", recorded_at=timezone.now())
    find_competitors(acme.tenant)
    with acme.here():
        assert not CompetitorMention.objects.filter(competitor=late).exists()


@pytest.mark.django_db
def test_a_scoring_run_reads_the_texts_first(acme, account):
    add(acme, account, models.Survey, kind="nps", score=9, responded_at=ago(8), comment=GOOD)
    score(acme)
    assert value(acme, account, "satisfaction.comment_sentiment_180d") > 0.5


# How good the word list is


def human_means(name):
    """(mean of the human ratings, text) of one of VADER's own sets of rated texts."""
    with (DATA / name).open(newline="", encoding="utf-8", errors="replace") as file:
        return [(float(row[1]), row[2]) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def measured(pairs):
    """n, correlation of compound and human mean, share of texts with the same sign (neither of them zero)."""
    import numpy as np

    humans = np.array([human for human, _ in pairs])
    ours = np.array([sound(text).compound for _, text in pairs])
    both = (humans != 0) & (ours != 0)
    return (
        len(pairs),
        float(np.corrcoef(humans, ours)[0, 1]),
        float((np.sign(humans) == np.sign(ours))[both].mean()),
    )


@pytest.mark.skipif(not DATA.is_dir(), reason="the rated texts are not beside this repository")
@pytest.mark.parametrize(
    ("name", "correlation", "same_sign"),
    [
        ("vader_tweets_groundtruth.tsv", 0.8, 0.9),
        ("vader_amazon_snippets_groundtruth.tsv", 0.5, 0.7),
    ],
)
def test_the_word_list_agrees_with_people(name, correlation, same_sign):
    n, found_correlation, found_sign = measured(human_means(name))
    print(f"{name}: n {n}, correlation {found_correlation:.3f}, same sign {found_sign:.3f}")
    assert n > 3_000
    assert found_correlation > correlation
    assert found_sign > same_sign
