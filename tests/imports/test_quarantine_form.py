"""The rejected row's form: when somebody was faster, when the file was stopped, and what comes along out of band."""

import re

import pytest

from integrations.models import BundleImport
from integrations.services import quarantine as services
from tests.imports.bundles import bring_in, bundle, row
from tests.imports.test_quarantine import (  # noqa: F401  fixtures
    imported,
    posted,
    revops,
    rows_of,
    run_jobs,
    tickets,
    upload,
    upload_dir,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
RIGHT, LATER = "2026-03-01T09:30:00Z", "2026-03-02T09:30:00Z"


@pytest.fixture
def stale(revops, acme, imported):  # noqa: F811
    """(address, what the first person is about to send): the second saved a time and a subject meanwhile."""
    first = rows_of(acme)[0]
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/")
    sent = posted(revops, url, opened_at=RIGHT, subject="mine")
    assert revops.post(url, posted(revops, url, opened_at=LATER, subject="theirs")).status_code == 303
    return url, sent


def kept(world):
    return rows_of(world)[0].mended


def version_in(text):
    return re.search(r'name="version" value="(-?\d+)"', text)[1]


def over_in(text):
    return re.search(r'name="over" value="(\d+)"', text)[1]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "inline"])
def test_a_stale_save_shows_the_colleagues_mend_and_never_drops_it_unasked(revops, acme, stale, headers):  # noqa: F811
    url, sent = stale
    refused = revops.post(url, sent, headers=headers)
    assert refused.status_code == 409
    assert 'value="mine"' in refused.text, "the person's own text stays"
    said = re.findall(r"<b>Now:</b> <q>(.*?)</q>", refused.text)
    assert sorted(said) == [LATER, "theirs"], (
        "each differing cell says what the colleague saved, and no other does"
    )
    # a Save out of that form, as it came: still refused, nothing is lost
    again = revops.post(url, sent | {"version": version_in(refused.text)}, headers=headers)
    assert again.status_code == 409
    assert kept(acme)["subject"] == "theirs"
    # the box ticked: a choice
    chosen = sent | {"version": version_in(again.text), "over": over_in(again.text)}
    assert revops.post(url, chosen, headers=headers).status_code == (200 if headers else 303)
    assert (kept(acme)["subject"], kept(acme)["opened_at"]) == ("mine", RIGHT)


def test_the_choice_covers_only_what_was_shown(revops, acme, stale, imported):  # noqa: F811
    """A third person's mend after the 409 is another one: asked again."""
    url, sent = stale
    over = over_in(revops.post(url, sent).text)
    assert revops.post(url, posted(revops, url, subject="a third")).status_code == 303
    refused = revops.post(url, sent | {"over": over})
    assert refused.status_code == 409
    assert "<q>a third</q>" in refused.text
    assert kept(acme)["subject"] == "a third"


def test_a_stale_form_with_a_fault_gets_no_fresh_version(revops, acme, stale):  # noqa: F811
    """Told of the fault alone, its next Save would have gone through."""
    url, sent = stale
    faulty = revops.post(url, sent | {"cell-0": ""})
    assert faulty.status_code == 409
    assert revops.post(url, sent | {"version": version_in(faulty.text)}).status_code == 409
    assert kept(acme)["subject"] == "theirs"


def test_a_mend_between_reading_and_saving_is_shown_too(revops, acme, imported, monkeypatch):  # noqa: F811
    """The other one saves after this request read the row, before it takes the lock."""
    first = rows_of(acme)[0]
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/")
    sent = posted(revops, url, opened_at=RIGHT, subject="mine")
    mend, other = services.mend, dict(first.row) | {"opened_at": LATER, "subject": "theirs"}

    def after_another(tenant, **named):
        mend(tenant, **named | {"cells": other})
        return mend(tenant, **named)

    monkeypatch.setattr(services, "mend", after_another)
    refused = revops.post(url, sent)
    assert refused.status_code == 409
    assert "<q>theirs</q>" in refused.text
    assert 'value="mine"' in refused.text
    assert kept(acme)["subject"] == "theirs"


def test_a_settled_row_in_the_list_becomes_a_line_without_a_form(revops, acme, imported):  # noqa: F811
    first = rows_of(acme)[0]
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/")
    sent = posted(revops, url, opened_at=RIGHT)
    assert revops.post(f"{url}discard/", {"version": first.version, "why": "a test row"}).status_code == 303
    late = revops.post(url, sent, headers=HTMX)
    assert late.status_code == 409
    assert "settled meanwhile" in late.text
    assert 'name="version"' not in late.text.split("quarantine-counts")[0], "no form that could be sent"


def test_a_row_of_a_stopped_file_is_mended_and_waits_for_the_whole(revops, acme, tmp_path, upload_dir):  # noqa: F811
    bad = [row("tickets", external_id=f"X{n}", opened_at="never") for n in range(3)]
    record = upload(revops, acme, tmp_path, accounts=[row("accounts")], tickets=tickets(*bad, good=20))
    first, second, third = rows_of(acme)
    page = acme.url(f"imports/{record.pk}/rows/")
    url = f"{page}{first.pk}/"
    for address in (url, f"{url}form/"):
        assert "bring in</button>" not in revops.get(address).text, "not offered while the file is stopped"
    assert "Bring it in as it stands" not in revops.get(url).text
    # asked for all the same, out of a page from before: kept, said so, and the line is the new one
    sent = posted(revops, url, opened_at=RIGHT) | {"then": "retry"}
    answer = revops.post(url, sent, headers=HTMX)
    assert answer.status_code == 200
    assert "Mended. It comes in with the whole file." in answer.text
    assert rows_of(acme)[0].state == "mended"
    # read again: the notice is gone while it is read, and stays away once the file has landed
    assert "Nothing of tickets.csv landed" in revops.get(page).text
    for each in (second, third):
        revops.post(f"{page}{each.pk}/discard/", {"version": 1, "why": "a test"})
    assert revops.post(f"{page}again/").status_code == 303
    assert "Nothing of tickets.csv landed" not in revops.get(page).text
    run_jobs(acme)
    counts = revops.get(f"{page}counts/").text
    assert re.search(r'id="quarantine-stopped" hx-swap-oob="true" hidden>\s*</div>', counts), (
        "takes the notice away"
    )
    assert "Save and bring in" in revops.get(url).text or rows_of(acme)[0].state == "retried"


def test_the_notice_comes_back_when_the_second_reading_stops_too(revops, acme, tmp_path, upload_dir):  # noqa: F811
    bad = [row("tickets", external_id=f"X{n}", opened_at="never") for n in range(3)]
    record = upload(revops, acme, tmp_path, accounts=[row("accounts")], tickets=tickets(*bad, good=20))
    page = acme.url(f"imports/{record.pk}/rows/")
    assert revops.post(f"{page}again/").status_code == 303
    assert "Nothing of tickets.csv landed" not in revops.get(page).text
    run_jobs(acme)
    counts = revops.get(f"{page}counts/").text
    assert 'id="quarantine-stopped" hx-swap-oob="true"' in counts
    assert "Nothing of tickets.csv landed" in counts


def test_mending_in_the_list_brings_counts_and_bulk_along(revops, acme, imported):  # noqa: F811
    first = rows_of(acme)[0]
    url = acme.url(f"imports/{imported.pk}/rows/{first.pk}/")
    here = f"http://testserver{acme.url(f'imports/{imported.pk}/rows/')}?state=mended"
    answer = revops.post(url, posted(revops, url, opened_at=RIGHT), headers={**HTMX, "HX-Current-URL": here})
    assert answer.status_code == 200
    line, counts, bulk = re.split(r'<section class="panel"\s+id="quarantine-(?:counts|bulk)"', answer.text)
    assert f'id="row-{first.pk}"' in line
    assert 'hx-swap-oob="true"' in counts
    assert re.search(r"Mended, not landed yet</dt>\s*<dd class=\"v\">1</dd>", counts)
    assert 'hx-swap-oob="true"' in bulk
    assert "Bring in 1 mended" in bulk
    assert 'name="state" value="mended"' in bulk, "with the filters of the open page"


@pytest.mark.parametrize("what", ["discard", "retry", "back"])
def test_a_filter_that_makes_no_sense_widens_nothing(revops, acme, imported, what):  # noqa: F811
    url = acme.url(f"imports/{imported.pk}/rows/{what}/")
    before = [(each.state, each.retry_id, each.version) for each in rows_of(acme)]
    answer = revops.post(url, {"state": "opne", "why": "not all of them"})
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert [(each.state, each.retry_id, each.version) for each in rows_of(acme)] == before
    with acme.here():
        assert not BundleImport.objects.exclude(pk=imported.pk).exists()


@pytest.mark.parametrize("value", ["2026-13-45", "2026-02-30", "2026-13-45T10:00:00", "2026-02-30 10:00"])
def test_a_day_that_there_is_not_is_called_no_date(acme, tmp_path, value):
    bring_in(
        acme,
        bundle(
            tmp_path / "b",
            accounts=[row("accounts")],
            tickets=tickets(row("tickets", external_id="X", opened_at=value)),
        ),
    )
    (rejected,) = rows_of(acme)
    assert "is no date" in rejected.reason
    assert "time zone" not in rejected.reason
