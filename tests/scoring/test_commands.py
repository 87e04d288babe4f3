"""`score` and `export_scores` as scripts call them: figures, files, defaults, exit codes."""

import csv
import json
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Activity, FxRate, Subscription
from scoring import queries
from scoring.clock import utc_today
from scoring.features import default_day
from tests.scoring import models_by_hand
from tests.scoring.evidence import DAY, add, ago, rich, score, subscribe

pytestmark = pytest.mark.django_db


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    return refusal.value


def exported(world, tmp_path, *more):
    path = tmp_path / "scores.csv"
    out, _ = run("export_scores", "--tenant", world.tenant.slug, "--output", str(path), *more)
    with path.open(newline="") as file:
        return list(csv.DictReader(file)), out


def test_score_takes_the_day_after_the_newest_evidence(acme):
    rich(acme)  # usage runs until the day before DAY
    out, err = run("score", "--tenant", "acme", "--json", "-")
    figures = json.loads(out)
    assert (figures["as_of"], figures["accounts"], figures["unchanged"]) == (str(DAY), 1, False)
    assert sum(figures["bands"].values()) == 1
    assert figures["policies"] == {"all": "all v1"}
    assert "Reading evidence" in err


def test_score_says_when_nothing_is_new(acme, tmp_path):
    rich(acme)
    assert "1 customers scored" in run("score", "--tenant", "acme")[0]
    out, _ = run("score", "--tenant", "acme", "--as-of", str(DAY), "--json", str(tmp_path / "figures.json"))
    assert "the same figures as before" in out
    assert json.loads((tmp_path / "figures.json").read_text())["unchanged"] is True


def a_model(world):
    return models_by_hand.register(
        world, models_by_hand.by_hand(models_by_hand.curve("business.overdue_days", [0], [0]))
    )


def test_score_tells_which_model_spoke_and_of_how_many_at_which_level(acme):
    rich(acme)
    out, _ = run("score", "--tenant", "acme", "--json", "-")
    silent = {"model": "", "levels": {}, "flags": [], "shadows": []}
    assert silent.items() <= json.loads(out)["chances"].items()
    a_model(acme)
    out, _ = run("score", "--tenant", "acme", "--json", "-")
    told = json.loads(out)["chances"]
    assert (told["model"], sum(told["levels"].values())) == ("churn v1", 1)


def test_the_export_tells_its_figures_as_json(acme, tmp_path):
    for name in ("One", "Two"):
        rich(acme, name)
    subscribe(acme, acme.add_account("Pays in euros"), currency="EUR")  # no rate: nothing at stake in dollars
    a_model(acme)
    rows, out = exported(acme, tmp_path, "--json", str(tmp_path / "told.json"))
    told = json.loads((tmp_path / "told.json").read_text())
    assert "3 customers" in out
    assert (told["tenant"], told["as_of"], told["output"]) == ("acme", str(DAY), str(tmp_path / "scores.csv"))
    assert (told["accounts"], told["with_chance"], told["models"]) == (3, 3, {"churn v1": 3})
    assert told["expected_to_leave"]["90"] == pytest.approx(sum(float(row["p_churn_90"]) for row in rows))
    assert set(told["arr_at_stake_90"]) == {"USD", "EUR"}
    dollars = sum(Decimal(row["arr_at_stake_90"]) for row in rows if row["currency"] == "USD")
    assert Decimal(told["arr_at_stake_90"]["USD"]) == dollars
    assert sum(told["bands"].values()) == 3


def test_an_export_without_chances_says_so_as_json(acme, tmp_path):
    rich(acme)
    exported(acme, tmp_path, "--json", str(tmp_path / "told.json"))
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["accounts"], told["with_chance"], told["models"]) == (1, 0, {})
    assert (told["expected_to_leave"], told["arr_at_stake_90"]) == ({"30": None, "60": None, "90": None}, {})


def test_file_and_figures_cannot_both_go_to_standard_output(acme):
    assert refused("export_scores", "--tenant", "acme", "--output", "-", "--json", "-").returncode == 2


def test_terms_that_start_later_are_no_evidence_of_a_later_day(acme):
    account = rich(acme)
    subscribe(acme, account, started_at=ago(-60), renewal=date(2028, 1, 1))
    with acme.here():
        assert default_day(acme.tenant) == DAY
    add(acme, account, Activity, kind="call", occurred_at=ago(0, -3))
    with acme.here():
        assert default_day(acme.tenant) == DAY + timedelta(days=1)


@pytest.mark.parametrize("command", ["score", "export_scores"])
@pytest.mark.parametrize(
    ("tenant", "day", "words"),
    [
        ("nobody", "2026-10-01", "No workspace"),
        ("acme", "01.10.2026", "is not a day"),
        ("acme", "2026-02-30", "is not a day"),
        ("acme", "1066-10-14", "cannot be scored"),
        ("acme", str(utc_today() + timedelta(days=400)), "cannot be scored"),
    ],
)
def test_wrong_usage_exits_2(acme, tmp_path, command, tenant, day, words):
    output = ["--output", str(tmp_path / "out.csv")] if command == "export_scores" else []
    refusal = refused(command, "--tenant", tenant, "--as-of", day, *output)
    assert refusal.returncode == 2
    assert words in str(refusal)
    assert not (tmp_path / "out.csv").exists()


def test_a_missing_folder_is_told_before_the_work(acme, tmp_path):
    rich(acme)
    for arguments in (
        ("score", "--tenant", "acme", "--json", str(tmp_path / "no" / "x.json")),
        ("export_scores", "--tenant", "acme", "--output", str(tmp_path / "no" / "x.csv")),
        ("export_scores", "--tenant", "acme", "--output", str(tmp_path)),
        ("export_scores", "--tenant", "acme", "--output", str(tmp_path / "x.csv"), "--json", str(tmp_path)),
    ):
        assert refused(*arguments).returncode == 2
    with acme.here():
        assert queries.latest_as_of(acme.tenant) is None


def test_a_tenant_without_evidence_or_customers_exits_1(acme, tmp_path):
    assert refused("score", "--tenant", "acme").returncode == 1
    refusal = refused("score", "--tenant", "acme", "--as-of", str(DAY))
    assert (refusal.returncode, "Nobody was a customer" in str(refusal)) == (1, True)


def test_the_export_has_the_columns_of_the_contract(acme, tmp_path):
    account = rich(acme, external_id="ACC-1")
    rows, out = exported(acme, tmp_path)
    assert list(rows[0]) == [
        "account_external_id", "as_of", "health", "band", "p_churn_30", "p_churn_60", "p_churn_90", "arr", "currency",
        "arr_at_stake_90", "reason_1", "reason_2", "reason_3", "model_version", "policy_version",
    ]  # fmt: skip
    with acme.here():
        snapshot = queries.snapshot(acme.tenant, account_id=account.pk, as_of=DAY)
    row = rows[0]
    assert (row["account_external_id"], row["as_of"], row["policy_version"]) == ("ACC-1", str(DAY), "all v1")
    assert (row["health"], row["band"]) == (f"{snapshot.health:.2f}", snapshot.band)
    assert (row["arr"], row["currency"]) == ("12000.00", "USD")
    assert [row[f"reason_{n + 1}"] for n in range(len(snapshot.reasons[:3]))] == [
        reason["text"] for reason in snapshot.reasons[:3]
    ]
    empty = ("p_churn_30", "p_churn_60", "p_churn_90", "arr_at_stake_90", "model_version")
    assert {row[name] for name in empty} == {""}
    assert "1 customers" in out


def test_the_export_is_ordered_by_priority_in_the_reporting_currency(acme, tmp_path):
    with acme.here():
        FxRate.objects.create(tenant=acme.tenant, currency="EUR", day=date(2026, 1, 1), rate=Decimal("2"))
    for name, arr, currency in (
        ("dollars", "30000", "USD"),
        ("euros", "20000", "EUR"),
        ("francs", "900000", "CHF"),
        ("tie-b", "10000", "USD"),
        ("tie-a", "10000", "USD"),
    ):
        account = rich(acme, name, external_id=name)
        with acme.here():
            Subscription.objects.for_tenant(acme.tenant).filter(account=account).update(
                arr=Decimal(arr), currency=currency
            )
    acme.add_account("unknown", external_id="unknown")
    rows, _ = exported(acme, tmp_path)
    order = [row["account_external_id"] for row in rows]
    assert order == ["euros", "dollars", "tie-a", "tie-b", "francs", "unknown"]
    assert (rows[-1]["health"], rows[-1]["band"], rows[-1]["arr"]) == ("", "unknown", "")


def test_the_export_scores_a_day_once_and_uses_it_again(acme, tmp_path):
    account = rich(acme)
    first, _ = exported(acme, tmp_path, "--as-of", str(DAY))
    subscribe(acme, account, arr="1000")
    again, _ = exported(acme, tmp_path, "--as-of", str(DAY))
    assert first == again
    score(acme)
    assert exported(acme, tmp_path, "--as-of", str(DAY))[0][0]["arr"] == "13000.00"


def test_only_customers_of_the_day_are_exported(acme, tmp_path):
    rich(acme, "Here")
    acme.add_account("Later", customer_since=DAY)
    acme.add_account("Prospect", customer_since=None)
    rows, _ = exported(acme, tmp_path, "--as-of", str(DAY))
    assert [row["account_external_id"] for row in rows] == ["ACC-Here"]


def test_a_missing_rate_is_said(acme, tmp_path):
    account = rich(acme)
    subscribe(acme, account, arr="90000", currency="EUR")
    _, err = run("score", "--tenant", "acme")
    assert "No rate from EUR to USD" in err
    rows, _ = exported(acme, tmp_path)
    assert rows[0]["arr"] == ""  # euros and dollars cannot be added without a rate


def test_an_export_scores_again_what_was_scored_before_there_was_a_version(acme, tmp_path):
    rich(acme)
    run("score", "--tenant", "acme", "--as-of", str(DAY))
    a_model(acme)
    rows, _ = exported(acme, tmp_path, "--as-of", str(DAY))
    assert [row["p_churn_90"] != "" for row in rows] == [True]
    with acme.here():
        runs = queries.finished_runs(acme.tenant).count()
    exported(acme, tmp_path, "--as-of", str(DAY))
    with acme.here():
        assert queries.finished_runs(acme.tenant).count() == runs  # nothing is worked out twice


def test_training_scores_the_newest_day_with_what_it_put_in_force(acme, monkeypatch):
    from scoring.learning import commands as learning

    rich(acme)
    run("score", "--tenant", "acme", "--as-of", str(DAY))
    made = lambda *args, **options: {"usable": a_model(acme).is_usable, "model_version": "churn v1"}  # noqa: E731
    monkeypatch.setattr(learning, "train", made)
    monkeypatch.setattr(learning, "trained_in_words", lambda found: found["model_version"])
    out, _ = run("train", "--tenant", "acme")
    assert f"1 customers of {DAY} scored with it." in out
    with acme.here():
        assert queries.run_of_day(acme.tenant, DAY).model_version == "churn v1"
