"""The simulated bundle: its format, its determinism, and that churn has causes which show beforehand."""

from __future__ import annotations

import ast
import datetime
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from django.core.management import CommandError, call_command

from integrations.simulation import FILES, WORLDS, SimulationError, UnusableParameter, simulate
from integrations.simulation.causes import Setting, make_causes
from integrations.simulation.clock import Window
from integrations.simulation.contracts import make_contracts
from integrations.simulation.population import make_accounts

ROOT = Path(__file__).resolve().parents[2]
CHECKER = ROOT.parent / "shared" / "contract" / "check"
END = datetime.date(2026, 3, 31)
AFTER_END = "2026-04-01"
ACCOUNTS, DAYS = 400, 420

WORDS = {
    ("accounts", "segment"): {"smb", "mid_market", "enterprise"},
    ("contacts", "role"): {"champion", "economic_buyer", "executive_sponsor", "admin", "user", "detractor"},
    ("contacts", "seniority"): {"c_level", "vp", "director", "manager", "individual"},
    ("tickets", "priority"): {"low", "normal", "high", "urgent"},
    ("surveys", "kind"): {"nps", "csat", "ces", "review"},
    ("activities", "kind"): {
        "email", "call", "meeting", "qbr", "training", "advisory_council", "planning_session", "community_post",
        "docs_contribution", "conference_talk", "beta_program", "note",
    },
    ("activities", "direction"): {"inbound", "outbound"},
    ("milestones", "stage"): {"onboarding", "adoption", "expansion", "renewal", "advocacy"},
    ("company_events", "kind"): {
        "layoffs", "funding", "acquisition", "leadership_change", "restructuring", "expansion", "competitor_mention",
    },
    ("opportunities", "type"): {"renewal", "expansion", "new_business"},
    ("opportunities", "forecast_category"): {"commit", "best_case", "pipeline", "omitted", "closed"},
    ("opportunity_changes", "field"): {
        "amount", "close_date", "stage", "forecast_category", "owner_email", "next_step",
    },
    ("outcomes", "kind"): {"churned", "renewed", "downgraded", "expanded"},
    ("subscriptions", "currency"): {"USD", "EUR", "GBP"},
}  # fmt: skip
ORDER = {
    "subscriptions": [("started_at", "renewal_date"), ("started_at", "cancelled_at")],
    "tickets": [
        ("opened_at", "first_response_at"),
        ("opened_at", "closed_at"),
        ("opened_at", "escalated_at"),
    ],
    "invoices": [("issued_at", "due_at"), ("issued_at", "paid_at"), ("issued_at", "voided_at")],
    "contacts": [("joined_at", "departed_at")],
    "surveys": [("sent_at", "responded_at")],
    "objectives": [("declared_at", "due_at"), ("declared_at", "achieved_at")],
    "opportunities": [("created_at", "closed_at")],
}
MAY_LIE_AHEAD = {"due_at", "renewal_date", "close_date", "next_step_due"}
REFERENCES = {
    "account_external_id": "accounts",
    "contact_external_id": "contacts",
    "subscription_external_id": "subscriptions",
    "opportunity_external_id": "opportunities",
    "parent_external_id": "accounts",
    "product": "products",
}
TIMES = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"


def read(folder: Path) -> dict[str, pl.DataFrame]:
    frames = {}
    for path in sorted(folder.iterdir()):
        frames[path.name.split(".")[0]] = pl.read_csv(path, infer_schema=False)
    return frames


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulation") / "bundle"
    simulate(folder, accounts=ACCOUNTS, days=DAYS, seed=11, end=END)
    return folder


@pytest.fixture(scope="module")
def files(bundle: Path) -> dict[str, pl.DataFrame]:
    return read(bundle)


def each_column(files: dict[str, pl.DataFrame]) -> Iterator[tuple[str, str, pl.Series]]:
    for name, frame in files.items():
        for column in frame.columns:
            yield name, column, frame[column].drop_nulls()


# --- determinism -----------------------------------------------------------------------------------------------------


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        simulate(tmp_path / name, accounts=60, days=120, seed=5, end=END)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    simulate(tmp_path / "here", accounts=40, days=60, seed=5, end=END)
    code = (
        "import datetime, pathlib, sys; from integrations.simulation import simulate; "
        "simulate(pathlib.Path(sys.argv[1]), accounts=40, days=60, seed=5, end=datetime.date(2026, 3, 31))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], cwd=ROOT, check=True)
    assert digest(tmp_path / "here") == digest(tmp_path / "there")


def test_another_seed_gives_other_rows(tmp_path: Path) -> None:
    for seed in (5, 6):
        simulate(tmp_path / str(seed), accounts=60, days=120, seed=seed, end=END)
    one, two = digest(tmp_path / "5"), digest(tmp_path / "6")
    assert {name for name in one if one[name] == two[name]} == {
        "products.csv"
    }  # the catalogue is the same for all


# --- format ----------------------------------------------------------------------------------------------------------


def test_every_file_has_rows_and_the_count_is_told(tmp_path: Path) -> None:
    rows = simulate(tmp_path / "b", accounts=80, days=200, seed=2, end=END)
    frames = read(tmp_path / "b")
    assert tuple(rows) == FILES
    assert {name: frame.height for name, frame in frames.items()} == rows
    assert min(rows.values()) > 0
    assert rows["accounts"] == 80


def test_ids_and_keys_are_unique(files: dict[str, pl.DataFrame]) -> None:
    keys = {
        "usage_daily": ["account_external_id", "date"],
        "usage_detail": ["account_external_id", "date", "contact_external_id", "product", "feature"],
        "opportunity_changes": ["opportunity_external_id", "changed_at", "field"],
    }
    for name, frame in files.items():
        assert not frame.select(keys.get(name, ["external_id"])).is_duplicated().any(), name


def test_references_resolve(files: dict[str, pl.DataFrame]) -> None:
    known = {
        name: set(frame["external_id"]) for name, frame in files.items() if "external_id" in frame.columns
    }
    for name, column, values in each_column(files):
        if column in REFERENCES:
            assert set(values) <= known[REFERENCES[column]], (name, column)
    attending = files["activities"]["contact_external_ids"].drop_nulls().str.split(";").explode()
    assert set(attending) <= known["contacts"]
    assert set(files["objectives"]["usage_metric"].drop_nulls()) <= set(files["usage_daily"].columns)


def test_only_allowed_words(files: dict[str, pl.DataFrame]) -> None:
    for (name, column), allowed in WORDS.items():
        assert set(files[name][column].drop_nulls()) <= allowed, (name, column)


def test_times_carry_a_zone_and_nothing_is_later_than_the_end(files: dict[str, pl.DataFrame]) -> None:
    for name, column, values in each_column(files):
        if column.endswith("_at"):
            assert values.str.contains(TIMES).all(), (name, column)
        dated = column.endswith(("_at", "_date", "date", "_since"))
        if dated and column not in MAY_LIE_AHEAD and len(values):
            assert values.max() < AFTER_END, (name, column)


def test_times_are_in_order(files: dict[str, pl.DataFrame]) -> None:
    for name, pairs in ORDER.items():
        for first, second in pairs:
            both = files[name].drop_nulls([first, second])
            assert (both[first].str.head(10) <= both[second].str.head(10)).all(), (name, first, second)
            if second != "renewal_date":
                assert (both[first] <= both[second]).all(), (name, first, second)


def test_paired_facts_come_together(files: dict[str, pl.DataFrame]) -> None:
    tickets, deals = files["tickets"], files["opportunities"]
    assert tickets.filter(pl.col("csat").is_not_null() & pl.col("closed_at").is_null()).height == 0
    assert tickets.filter(pl.col("resolution").is_null() != pl.col("closed_at").is_null()).height == 0
    assert (deals["won"].is_null() == deals["closed_at"].is_null()).all()
    goals = files["objectives"]
    assert goals.filter(pl.col("value_realized").is_not_null() & pl.col("achieved_at").is_null()).height == 0
    reasons = files["subscriptions"]
    assert (reasons["cancel_reason"].is_null() == reasons["cancelled_at"].is_null()).all()


def test_opportunity_changes_lead_to_the_values_of_today(files: dict[str, pl.DataFrame]) -> None:
    deals = {row["external_id"]: row for row in files["opportunities"].to_dicts()}
    at: dict[tuple[str, str], str | None] = {}
    for change in files["opportunity_changes"].sort("changed_at", maintain_order=True).to_dicts():
        key = (change["opportunity_external_id"], change["field"])
        assert change["old_value"] != change["new_value"]
        assert at.get(key, change["old_value"]) == change["old_value"]
        assert change["changed_at"] >= deals[key[0]]["created_at"]
        at[key] = change["new_value"]
    for (deal, field), value in at.items():
        assert deals[deal][field] == value, (deal, field)
    for deal in deals.values():
        assert (deal["stage"] in ("closed_won", "closed_lost")) == (deal["closed_at"] is not None)


def test_names_and_addresses_are_invented(files: dict[str, pl.DataFrame]) -> None:
    for name, column in (("accounts", "domain"), ("contacts", "email"), ("accounts", "owner_email")):
        assert files[name][column].drop_nulls().str.ends_with(".example").all()
    assert files["contacts"]["email"].is_unique().all()
    owners = files["accounts"]["owner_email"]
    assert owners.n_unique() == 10 + 1  # one CSM for forty accounts, and some accounts without
    assert 0 < owners.null_count() < 0.08 * ACCOUNTS


def test_people_take_part_only_while_they_are_there(files: dict[str, pl.DataFrame]) -> None:
    people = {row["external_id"]: row for row in files["contacts"].to_dicts()}
    for row in files["activities"].drop_nulls("contact_external_ids").to_dicts():
        for contact in row["contact_external_ids"].split(";"):
            person = people[contact]
            assert person["account_external_id"] == row["account_external_id"]
            assert person["joined_at"] < row["occurred_at"]
            assert (person["departed_at"] or "9999") >= row["occurred_at"]


def test_terms_follow_one_another_and_stop_with_the_customer(files: dict[str, pl.DataFrame]) -> None:
    churned = churn_days(files)
    core = (
        files["subscriptions"]
        .filter(pl.col("product") == "QL-DESK")
        .sort("account_external_id", "started_at")
    )
    assert len(churned) == files["outcomes"].filter(pl.col("kind") == "churned").height  # nobody leaves twice
    previous: dict[str, str] = {}
    for row in core.to_dicts():
        account, begun = row["account_external_id"], row["started_at"][:10]
        assert previous.get(account, begun) == begun
        assert begun < churned.get(account, "9999")
        previous[account] = row["renewal_date"]
    for name, column in (("tickets", "opened_at"), ("usage_daily", "date"), ("activities", "occurred_at")):
        last = files[name].group_by("account_external_id").agg(pl.col(column).max())
        for account, day in last.iter_rows():
            assert day[:10] < churned.get(account, "9999"), (name, account)


def test_cells_and_days_are_missing_and_some_accounts_are_not_measured(
    files: dict[str, pl.DataFrame],
) -> None:
    usage = files["usage_daily"]
    assert 0 < usage["active_users"].null_count() < 0.02 * usage.height
    measured = set(usage["account_external_id"])
    assert 0.85 * ACCOUNTS < len(measured) < ACCOUNTS
    prospects = files["accounts"].filter(pl.col("customer_since").is_null())
    assert prospects.height > 0
    assert not measured & set(prospects["external_id"])


def test_texts_vary(files: dict[str, pl.DataFrame]) -> None:
    bodies = files["tickets"]["body"]
    assert bodies.null_count() == 0
    assert bodies.n_unique() > 0.8 * len(bodies)
    assert not bodies.str.contains(r"[{}]").any()
    assert not files["activities"]["body"].drop_nulls().str.contains(r"[{}]").any()
    assert not files["surveys"]["comment"].drop_nulls().str.contains(r"[{}]").any()


@pytest.mark.skipif(
    not CHECKER.is_dir(), reason="the contract's strict checker is not laid beside this checkout"
)
@pytest.mark.parametrize(
    ("world", "accounts", "days"), [("default", 0, 0), ("stormy", 150, 90), ("calm", 7, 9)]
)
def test_the_strict_checker_finds_no_fault(
    bundle: Path, tmp_path: Path, world: str, accounts: int, days: int
) -> None:
    folder = bundle
    if accounts:
        folder = tmp_path / world
        simulate(folder, accounts=accounts, days=days, seed=3, end=END, world=world)
    done = subprocess.run(
        [sys.executable, str(CHECKER / "validate.py"), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- causes ----------------------------------------------------------------------------------------------------------


def churn_days(files: dict[str, pl.DataFrame]) -> dict[str, str]:
    left = files["outcomes"].filter(pl.col("kind") == "churned")
    return {
        account: at[:10] for account, at in left.select("account_external_id", "effective_at").iter_rows()
    }


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("simulation") / "crowd"
    simulate(folder, accounts=1_500, days=540, seed=21, end=END)
    return read(folder)


def test_about_one_customer_in_eight_leaves_in_a_year(crowd: dict[str, pl.DataFrame]) -> None:
    start = END - datetime.timedelta(days=539)
    churned, years = churn_days(crowd), 0.0
    for account, since in (
        crowd["accounts"].drop_nulls("customer_since").select("external_id", "customer_since").rows()
    ):
        first = max(datetime.date.fromisoformat(since), start)
        last = datetime.date.fromisoformat(churned[account]) if account in churned else END
        years += (last - first).days / 365.25
    assert 0.09 < len(churned) / years < 0.16


def recent_change(crowd: dict[str, pl.DataFrame], *, days_ahead: int) -> dict[bool, float]:
    """Median ratio of usage in the four weeks up to `days_ahead` before leaving to the level half a year earlier."""
    churned = churn_days(crowd)
    fallback = (END - datetime.timedelta(days=30)).isoformat()
    usage = crowd["usage_daily"].with_columns(
        pl.col("date").str.to_date(),
        pl.col("core_events").cast(pl.Float64),
        pl.col("account_external_id").replace_strict(churned, default=fallback).str.to_date().alias("leaves"),
        pl.col("account_external_id").is_in(list(churned)).alias("churned"),
    )
    ahead = (pl.col("leaves") - pl.col("date")).dt.total_days()
    recent = pl.col("core_events").filter(ahead.is_between(days_ahead, days_ahead + 27)).mean()
    earlier = pl.col("core_events").filter(ahead.is_between(days_ahead + 180, days_ahead + 235)).mean()
    ratio = (
        usage.group_by("account_external_id", "churned").agg((recent / earlier).alias("ratio")).drop_nulls()
    )
    finite = ratio.filter(pl.col("ratio").is_finite())
    return dict(finite.group_by("churned").agg(pl.col("ratio").median()).iter_rows())


def test_usage_falls_before_customers_leave(crowd: dict[str, pl.DataFrame]) -> None:
    last_weeks, long_before = recent_change(crowd, days_ahead=1), recent_change(crowd, days_ahead=100)
    assert last_weeks[True] < 0.7 * last_weeks[False]
    assert long_before[True] < 0.95 * long_before[False]


def test_people_of_leavers_answer_worse_in_their_last_months(crowd: dict[str, pl.DataFrame]) -> None:
    leaves = pl.col("account_external_id").replace_strict(churn_days(crowd), default=None).str.to_date()
    scores = (
        crowd["surveys"]
        .filter(pl.col("kind") == "nps")
        .with_columns(
            (leaves - pl.col("responded_at").str.head(10).str.to_date()).dt.total_days().alias("ahead"),
            pl.col("score").cast(pl.Int64),
        )
    )
    leavers = scores.filter(pl.col("ahead") <= 150)["score"].mean()
    stayers = scores.filter(pl.col("ahead").is_null())["score"].mean()
    assert leavers < stayers - 0.3


def test_the_pull_of_latent_troubles_is_what_makes_customers_leave() -> None:
    window, dice = Window.ending(END, days=540), np.random.default_rng(8)
    accounts = make_accounts(3_000, window, WORLDS["default"], dice)
    causes = make_causes(accounts, window, WORLDS["default"], dice)
    terms = make_contracts(Setting(window, WORLDS["default"], accounts, causes), dice).terms
    yearly = np.flatnonzero((terms.months == 12) & (terms.renewal <= window.end))
    asked = window.week_of(terms.renewal[yearly] - np.timedelta64(60, "D"))
    pull = causes.recent("pull", terms.account[yearly], asked, weeks=8)
    left = terms.leaving[yearly]
    worst, best = pull >= np.quantile(pull, 0.8), pull <= np.quantile(pull, 0.4)
    assert left[worst].mean() > 3 * left[best].mean()
    assert left[best].mean() > 0  # some leave without a cause that anybody could have seen


def test_unhappy_tickets_sound_unhappy(crowd: dict[str, pl.DataFrame]) -> None:
    rated = (
        crowd["tickets"]
        .drop_nulls("csat")
        .with_columns(
            pl.col("csat").cast(pl.Int64),
            pl.col("body").str.contains("disappointed|losing patience|pay for this").alias("cross"),
        )
    )
    means = dict(rated.group_by("cross").agg(pl.col("csat").mean()).iter_rows())
    assert means[True] < means[False] - 0.7


def test_worlds_differ_in_churn(tmp_path: Path) -> None:
    left = {}
    for world in ("calm", "default", "stormy"):
        simulate(tmp_path / world, accounts=800, days=365, seed=4, end=END, world=world)
        left[world] = len(churn_days(read(tmp_path / world)))
    assert left["calm"] < left["default"] < left["stormy"]


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"accounts": 0}, "accounts must be 1 or more"),
        ({"days": -3}, "days must be 1 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"world": "mars"}, "billing_driven, calm, default"),
    ],
)
def test_senseless_parameters_are_refused(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    options: dict[str, object] = {"accounts": 5, "days": 10, "seed": 1, "world": "default"} | change
    with pytest.raises(UnusableParameter, match=complaint):
        simulate(tmp_path / "b", end=END, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "b").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(SimulationError, match="not empty"):
        simulate(tmp_path, accounts=5, days=10, seed=1, end=END)
    with pytest.raises(SimulationError, match="Cannot use"):
        simulate(tmp_path / "mine.txt", accounts=5, days=10, seed=1, end=END)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("size", [(1, 1), (2, 400), (12, 3)])
def test_tiny_worlds_are_possible(tmp_path: Path, size: tuple[int, int]) -> None:
    assert simulate(tmp_path / "b", accounts=size[0], days=size[1], seed=1, end=END)["accounts"] == size[0]


def test_the_command_reports_on_standard_output(tmp_path: Path) -> None:
    out, err = StringIO(), StringIO()
    call_command(
        "simulate_bundle", str(tmp_path / "b"), accounts=6, days=20, seed=1, json="-", stdout=out, stderr=err
    )
    result = json.loads(out.getvalue())
    yesterday = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    assert result["end"] == yesterday.isoformat()
    assert result["total"] == sum(result["rows"].values())
    assert "usage_daily" in err.getvalue()


@pytest.mark.parametrize(
    ("change", "status"), [({"world": "mars"}, 2), ({"accounts": 0}, 2), ({"days": 0}, 2)]
)
def test_the_command_tells_wrong_usage(tmp_path: Path, change: dict[str, object], status: int) -> None:
    options = {"accounts": 6, "days": 20, "seed": 1} | change
    with pytest.raises(CommandError) as caught:
        call_command("simulate_bundle", str(tmp_path / "b"), **options)
    assert caught.value.returncode == status


def test_the_command_refuses_a_full_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(CommandError, match="not empty") as caught:
        call_command("simulate_bundle", str(tmp_path), accounts=6, days=20, seed=1)
    assert caught.value.returncode == 1


def test_the_simulation_stands_alone() -> None:
    allowed = {"numpy", "polars", "integrations"}
    for path in (ROOT / "integrations" / "simulation").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top in allowed or top in sys.stdlib_module_names, f"{path.name} imports {name}"
