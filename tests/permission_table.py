"""Every address of the project, and who gets in. tests/test_permissions.py runs it; a missing address fails there.

How to add yours: one `Row` a url name and method, in the block of your app:

    Row("accounts:list", Right.VIEW_ACCOUNTS),
    Row("accounts:account", Right.VIEW_ACCOUNTS, make=an_account, except_for={"account_executive": 404}),
    Row("playbooks:dismiss", Right.WORK_QUEUE, "POST", make=a_recommendation, data={"reason": "no_fit"}, allowed=303),

- `right`: whoever lacks it gets 403, whoever holds it gets `allowed` (default: 200 for GET, 303 for POST).
- `make(world)` runs inside the tenant and returns the address's own arguments (`{"account_id": 7}`). The same call
  made in the other tenant gives an id that must answer 404 here, for everybody who holds the right.
- `data`: the POST body, or a callable that gets the made arguments. Each role's request is rolled back afterwards.
- `except_for`: roles with another status, such as 404 for those whose accounts do not include the made one.
- `forgives`: arguments whose absent id is no fault, because what is asked for is done already.
- `fill(world)` makes what the address shows without naming it in its path (tests/nightly.py); its answer fills the
  `queries`, the query strings with which the crawls ask. A list without rows proves nothing of what rows show.
- A url name that has only POST rows must answer 405 to GET.

What is checked for every row: each of the ten roles, somebody signed out (302 to the sign-in page, 401 with
HX-Redirect to htmx), a member of another tenant (404), an ended membership (404), ids that cannot be (404), and for a
POST that it is refused without the form's token.

`OUTSIDE` lists the addresses without a tenant, with what a member and somebody signed out get; `GROUPS` whole
families of addresses that other code guards, with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from tenants.access import Right
from tests import nightly
from tests.approvals.makers import a_request, an_approval
from tests.worlds import World


@dataclass(frozen=True)
class Row:
    name: str
    right: Right
    method: str = "GET"
    make: Callable[[World], dict[str, Any]] | None = None
    data: dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]] = field(default_factory=dict)
    allowed: int = 0
    except_for: dict[str, int] = field(default_factory=dict)
    forgives: tuple[str, ...] = ()
    fill: Callable[[World], dict[str, Any]] | None = None
    queries: tuple[str, ...] = ("",)

    def arrange(self, world: World) -> tuple[dict[str, Any], tuple[str, ...]]:
        """(the path's arguments, query strings to ask with), made inside the tenant."""
        with world.here():
            named = self.fill(world) if self.fill else {}
            made = self.make(world) if self.make else {}
        return made, tuple(query.format(**named) for query in self.queries)

    @property
    def expected(self) -> int:
        return self.allowed or (200 if self.method == "GET" else 303)


@dataclass(frozen=True)
class Outside:
    """An address without a tenant: what a signed-in member gets, and what somebody signed out gets."""

    name: str
    member: int
    signed_out: int
    make: Callable[[World], dict[str, Any]] | None = None

    def arrange(self, world: World) -> tuple[dict[str, Any], tuple[str, ...]]:
        """As a row's."""
        with world.here():
            return self.make(world) if self.make else {}, ("",)


@dataclass(frozen=True)
class Service:
    """An address for programs: the scope it asks for, and what its token gets. tests/tenants/test_service_doors.py"""

    name: str
    scope: str
    method: str = "GET"
    make: Callable[[World], dict[str, Any]] | None = None
    allowed: int = 200


@dataclass(frozen=True)
class Group:
    """A namespace or name prefix that is guarded as a whole elsewhere."""

    prefix: str
    reason: str


def an_account(world: World) -> dict[str, Any]:
    """An account that the world's `csm` owns, named to the account executive too."""
    email = world.account_executive.user.email
    return {"account_id": world.add_account("Row's account", ae_email=email).pk}


def a_hidden_account(world: World) -> dict[str, Any]:
    """An account of a team that neither `csm` nor `manager` is in."""
    from tenants import services
    from tests.worlds import MAKER

    email = f"away@{world.tenant.slug}.example"
    world.people["away"], _ = services.ensure_member(
        world.tenant, email=email, role="csm", by=MAKER, team="Away"
    )
    return {"account_id": world.add_account("Out of reach", owner="away").pk}


HIDDEN = dict.fromkeys(("csm", "manager", "account_executive"), 404)
UNREACHED = dict.fromkeys(("csm", "manager"), 404)


def a_ticket(world: World) -> dict[str, Any]:
    from accounts.models import Ticket

    made = an_account(world)
    row = Ticket.objects.create(
        tenant=world.tenant, external_id="T-1", opened_at=timezone.now(), body="Our export fails.", **made
    )
    return {**made, "kind": "ticket", "evidence_id": row.pk}


def a_contact(world: World) -> dict[str, Any]:
    from accounts.models import Contact

    made = an_account(world)
    row = Contact.objects.create(tenant=world.tenant, external_id="P-1", name="Wilma Quist", **made)
    return {**made, "contact_id": row.pk}


def a_share(world: World) -> dict[str, Any]:
    from accounts import services

    made = an_account(world)
    row = services.share_account(
        world.tenant, **made, member_id=world.csm2.pk, reason="Holiday", by=world.actor("csm")
    )
    return {**made, "share_id": row.pk}


def a_member(world: World) -> dict[str, Any]:
    return {"membership_id": world.csm2.pk}


def a_waiting_member(world: World) -> dict[str, Any]:
    from tenants import services
    from tests.worlds import MAKER

    email = f"waiting@{world.tenant.slug}.example"
    membership, _ = services.ensure_member(world.tenant, email=email, role="csm", by=MAKER)
    return {"membership_id": membership.pk}


def an_invitation(world: World) -> dict[str, Any]:
    from tenants import invitations, queries

    member = queries.member(world.tenant, membership_id=a_waiting_member(world)["membership_id"])
    return {"token": invitations.token_for(member.user, world.tenant)}


def a_service(world: World) -> dict[str, Any]:
    from tenants import identities
    from tests.worlds import MAKER

    made, _ = identities.create_identity(world.tenant, name="Row's service", scopes=["scim"], by=MAKER)
    return {"identity_id": made.pk}


A_SERVICE = {
    "name": "Okta",
    "scopes": ["scim"],
    "last_day": str(timezone.now().date() + timedelta(days=30)),
}


def a_job(world: World) -> dict[str, Any]:
    """A waiting job that the world's `csm` asked for."""
    from jobs import services

    return {"job_id": services.enqueue(world.tenant, kind="jobs.tidy", by=world.actor("csm")).pk}


def an_import(world: World) -> dict[str, Any]:
    from integrations.services import imports

    return {
        "bundle_id": imports.open_import(
            world.tenant, file_name="b.zip", path="", by=world.actor("revops")
        ).pk
    }


def a_rejected_file(world: World) -> dict[str, Any]:
    return {**an_import(world), "file": "accounts"}


def a_rejected_row(world: World, **values: Any) -> dict[str, Any]:
    """A row that was set aside, and fits by now."""
    from integrations.models import BundleFile, QuarantinedRow

    made = an_import(world)
    BundleFile.objects.create(
        tenant=world.tenant, **made, file="accounts.csv", status="landed", read=30, rejected=1
    )
    row = QuarantinedRow.objects.create(
        tenant=world.tenant, **made, file="accounts.csv", line=3, column="employees", value="x",
        reason="is no whole number.", row={"external_id": "Q1", "name": "Quarry", "employees": "5"}, **values,
    )  # fmt: skip
    return {**made, "row_id": row.pk}


def a_discarded_row(world: World) -> dict[str, Any]:
    return a_rejected_row(world, state="discarded", resolution="a test")


def an_import_with_a_rejected_row(world: World) -> dict[str, Any]:
    return {"bundle_id": a_rejected_row(world)["bundle_id"]}


def a_cancelled_job(world: World) -> dict[str, Any]:
    from jobs import services

    made = a_job(world)
    services.cancel(world.tenant, job_id=made["job_id"], by=world.actor("csm"))
    return made


def an_export(world: World) -> dict[str, Any]:
    """A finished export that the world's `csm` asked for."""
    from audit import exports, queries
    from jobs import runner, services

    filters = exports.filters_as_json(queries.Filters(decision="none"))
    args = {"membership_id": world.csm.pk, "filters": filters, "form": "csv"}
    job = services.enqueue(world.tenant, kind=exports.KIND, args=args, by=world.actor("csm"))
    return {"job_id": runner.run_now(job.pk).pk}


def a_scored_account(world: World) -> dict[str, Any]:
    """An account with a standing, as the projection keeps it."""
    from decimal import Decimal

    from scoring.models import AccountHealth

    made = an_account(world)
    AccountHealth.objects.create(
        tenant=world.tenant, as_of=date(2026, 10, 1), health=Decimal("50"), band="at_risk",
        coverage_pct=100, reasons=[], dimensions={}, run_id=1, policy_version="all v1", **made,
    )  # fmt: skip
    return made


def a_lost_account(world: World) -> dict[str, Any]:
    """An account that left, with what was scored, written and done on it before."""
    from accounts.models import Outcome

    made = a_scored_account(world)
    Outcome.objects.create(
        tenant=world.tenant,
        external_id="O-1",
        kind="churned",
        effective_at=timezone.now() - timedelta(days=60),
        **made,
    )
    return made


def a_policy(world: World) -> dict[str, Any]:
    """The version in force, which every tenant starts with."""
    from scoring import policy_queries

    return {"policy_id": policy_queries.all_policies(world.tenant)[0].pk}


def a_replay(world: World) -> dict[str, Any]:
    """A finished what-if of the chances."""
    from django.utils import timezone

    from jobs.models import Job

    job = Job.objects.create(
        tenant=world.tenant,
        kind="scoring.whatif",
        state="done",
        finished_at=timezone.now(),
        result={"asked": nightly.CUTS_ASKED},
    )
    return {"job_id": job.pk}


def a_chance_version(world: World) -> dict[str, Any]:
    """The version that was in force before the one that is."""
    return {"version_id": nightly.chance_versions(world)[0]}


def a_version(world: World) -> dict[str, Any]:
    """A draft of the chance of leaving, as training leaves one."""
    from scoring.learning import registry
    from tenants.access import SYSTEM

    row = registry.register(
        world.tenant, document={"curves": []}, kind="additive", as_of=date(2026, 9, 1), report={}, by=SYSTEM
    )
    return {"model_id": row.pk}


def a_step(world: World) -> dict[str, Any]:
    return {**a_version(world), "key": "shadow"}


def a_source_away(world: World) -> dict[str, Any]:
    from scoring.models import ScoreRun

    away = {"fresh": 40, "had": 40, "customers": 50, "since": "2026-09-01"}
    state = {"accounts": 40, "fresh": 9, "latest": "2026-09-30", "late": False, "away": away}
    run = ScoreRun.objects.create(
        tenant=world.tenant, as_of=date(2026, 10, 1), policy_versions={}, fingerprint="f", accounts=50,
        summary={"sources": {"usage": state}, "held": []},
    )  # fmt: skip
    return {"run_id": run.pk, "source": "usage"}


def an_override(made: dict[str, Any]) -> dict[str, Any]:
    until = str(timezone.now().date() + timedelta(days=3))
    return {"health": "60", "until": until, "reason": "know_more", "note": "Spoke with them."}


# observations on persons are restricted, whatever else the role may see
NO_OBSERVATIONS = dict.fromkeys(
    ("account_executive", "executive", "finance", "revops", "auditor", "support", "reviewer"), 404
)
NOT_THE_CSM = NO_OBSERVATIONS | {"manager": 404, "ops_admin": 404}


def a_sentiment(made: dict[str, Any]) -> dict[str, Any]:
    until = str(timezone.now().date() + timedelta(days=30))
    return {"sentiment-level": "at_risk", "sentiment-reasons": ["price"], "sentiment-valid_until": until}


THEIR_PERSON: dict[int, int] = {}  # by account, for the bodies that name them


def an_account_with_a_person(world: World) -> dict[str, Any]:
    from accounts.models import Account, Contact

    made = an_account(world)
    account = Account.objects.get(pk=made["account_id"])
    person = Contact.objects.create(
        tenant=world.tenant,
        account=account,
        external_id=f"P-{account.pk}",
        name="Pia Person",
        role="champion",
    )
    THEIR_PERSON[account.pk] = person.pk
    return made


def an_account_with_an_observation(world: World) -> dict[str, Any]:
    """Its panel, which reads the vulnerability only where something was noticed."""
    from scoring.people.models import PersonObservation

    made, today = an_account_with_a_person(world), timezone.now().date()
    PersonObservation.objects.create(
        tenant=world.tenant, contact_id=THEIR_PERSON[made["account_id"]], sign="leaving", confidence="high",
        observed_on=today, expires_on=today + timedelta(days=30), author_label="x", **made,
    )  # fmt: skip
    return {**made, "key": "noticed"}


def an_observation(made: dict[str, Any]) -> dict[str, Any]:
    today = timezone.now().date()
    return {
        "noticed-contact": THEIR_PERSON.get(made["account_id"], 1),
        "noticed-sign": "leaving", "noticed-confidence": "high",
        "noticed-observed_on": str(today - timedelta(days=2)), "noticed-expires_on": str(today + timedelta(days=9)),
    }  # fmt: skip


def an_observation_made(world: World) -> dict[str, Any]:
    from accounts.models import Contact
    from scoring.people.models import PersonObservation

    made = an_account_with_a_person(world)
    row = PersonObservation.objects.create(
        tenant=world.tenant, contact=Contact.objects.get(account=made["account_id"]), sign="leaving",
        confidence="low", observed_on=date(2026, 1, 1), expires_on=date(2026, 2, 1), author_label="x", **made,
    )  # fmt: skip
    return made | {"observation_id": row.pk}


def a_departure(made: dict[str, Any]) -> dict[str, Any]:
    left = str(timezone.now().date() - timedelta(days=2))
    return {
        "departed-contact": THEIR_PERSON.get(made["account_id"], 1),
        "departed-new": left,
        "departed-why": "They wrote.",
    }


def a_new_person(made: dict[str, Any]) -> dict[str, Any]:
    since = str(timezone.now().date() - timedelta(days=2))
    return {"person-name": "Nina New", "person-role": "champion", "person-since": since}


def a_notice_of_the_csm(world: World) -> dict[str, Any]:
    from scoring.people.models import Notice

    row = Notice.objects.create(
        tenant=world.tenant, user=world.csm.user, kind="test", text="Something ended."
    )
    return {"notice_id": row.pk}


def a_data_report(world: World) -> dict[str, Any]:
    from scoring.people.models import DataReport, ReasonFeedback

    made = an_account(world)
    said = ReasonFeedback.objects.create(
        tenant=world.tenant,
        about="reason",
        key="usage.trend_30d",
        said="wrong_fact",
        author_label="x",
        **made,
    )
    return {"report_id": DataReport.objects.create(tenant=world.tenant, feedback=said, **made).pk}


THEIR_OWN_ONLY = dict.fromkeys(("manager", "ops_admin", "auditor"), 404)


def a_play(world: World) -> dict[str, Any]:
    """A running play on an account of the world's `csm`."""
    from accounts.models import Account
    from tests.playbooks.makers import running_play

    account = Account.objects.get(pk=an_account(world)["account_id"])
    return {"play_id": running_play(world, account).pk}


def a_suggestion(world: World) -> dict[str, Any]:
    """An open suggestion on an account that has a standing, as the queue shows it."""
    from accounts.models import Account
    from tests.playbooks.makers import health_row, suggest

    account = Account.objects.get(pk=an_account(world)["account_id"])
    health_row(world, account)
    return {"recommendation_id": suggest(world, account).pk}


def an_answered_suggestion(world: World) -> dict[str, Any]:
    from playbooks import services

    made = a_suggestion(world)
    services.dismiss(world.tenant, **made, version=1, reason="handled", by=world.actor("csm"))
    return made


def an_account_in_the_queue(world: World) -> dict[str, Any]:
    from playbooks.models import Recommendation

    return {"account_id": Recommendation.objects.get(pk=a_suggestion(world)["recommendation_id"]).account_id}


def a_starting_play(world: World) -> dict[str, Any]:
    from accounts.models import Account
    from playbooks import services
    from tests.playbooks.makers import suggest

    row = suggest(world, Account.objects.get(pk=an_account(world)["account_id"]))
    play = services.accept(world.tenant, recommendation_id=row.pk, version=1, by=world.actor("csm"))
    return {"play_id": play.pk}


def a_concession(world: World) -> dict[str, Any]:
    from playbooks.models import PlayStep

    return {"step_id": PlayStep.objects.get(play_id=a_play(world)["play_id"], kind="concession").pk}


def a_task(world: World) -> dict[str, Any]:
    from playbooks.models import Task

    return {"task_id": Task.objects.filter(step__play_id=a_play(world)["play_id"]).earliest("pk").pk}


def a_done_task(world: World) -> dict[str, Any]:
    from playbooks import services

    made = a_task(world)
    services.complete_task(world.tenant, **made, version=1, by=world.actor("csm"))
    return made


def an_endpoint(world: World) -> dict[str, Any]:
    from integrations import services

    values = {"name": "Row's endpoint", "url": "https://crm.example/hook", "is_sandbox": False}
    secret = services.new_secret()
    made = services.create_endpoint(world.tenant, **values, secret=secret, by=world.actor("ops_admin"))
    return {"connection_id": made.pk}


def a_paused_endpoint(world: World) -> dict[str, Any]:
    from integrations.services import endpoints

    made = an_endpoint(world)
    endpoints.pause_endpoint(world.tenant, **made, version=1, by=world.actor("ops_admin"))
    return made


def a_delivery(world: World) -> dict[str, Any]:
    """A write about an account of the world's `csm`, blocked for want of an endpoint."""
    from approvals.digests import digest_of
    from integrations import services

    fields = {"discount_pct": "10"}
    intent = services.plan_write(
        world.tenant,
        kind="concession",
        **an_account(world),
        ordering_key="row",
        target={"type": "account"},
        fields=fields,
        business_key="row",
        digest=digest_of(fields),
        correlation_id="row",
        by=world.actor("manager"),
    )
    return {"intent_id": intent.pk}


def a_failed_delivery(world: World) -> dict[str, Any]:
    """One that was given up, with an endpoint to send it to again."""
    from integrations.models import WriteIntent

    an_endpoint(world)
    made = a_delivery(world)
    WriteIntent.objects.filter(pk=made["intent_id"]).update(state="dead")
    return made


NOT_THEIRS = dict.fromkeys(
    ("account_executive", "manager", "executive", "finance", "revops", "auditor", "support", "reviewer"), 404
)
# they see the request, but neither asked for it nor work on the account
NOT_AT_WORK = dict.fromkeys(
    ("account_executive", "executive", "finance", "revops", "ops_admin", "auditor"), 403
)
PERSON = {"email": "new.person@acme.example", "role": "csm", "name": "New Person"}
OFFER = {"version": 1, "discount_pct": "10", "months": "6", "text": "", "why": "They lost two weeks."}
TASK = {"title": "Send the depot list", "due_date": "2100-01-01", "form_key": "a-form-of-the-table"}

ENDPOINT = {"name": "CRM bridge", "url": "https://crm.example/in", "version": 1}

NO_EXPORT = {"reviewer": 403}
LISTS_OF_GROWTH = ("", "kind=lead", "kind=improving", "kind=milestone", "kind=trial")
FIGURES = tuple(f"figure={key}" for key in ("churn", "grr", "end", "stake"))

# fmt: off  a row a line
TABLE = [
    # --- tenants ---
    Row("tenants:start", Right.VIEW_ACCOUNTS, allowed=302),
    Row("tenants:people", Right.CONFIGURE),
    Row("tenants:mailbox", Right.CONFIGURE),
    Row("tenants:new_person", Right.CONFIGURE),
    Row("tenants:new_person", Right.CONFIGURE, "POST", data=PERSON),
    Row("tenants:person", Right.CONFIGURE, make=a_member),
    Row("tenants:person", Right.CONFIGURE, "POST", make=a_member, data={"role": "csm", "is_active": "on"}),
    Row("tenants:invite", Right.CONFIGURE, "POST", make=a_waiting_member),
    Row("signin:end_for_member", Right.CONFIGURE, "POST", make=a_member),
    Row("tenants:usage", Right.INTEGRATIONS),
    Row("tenants:usage_csv", Right.INTEGRATIONS),
    Row("tenants:services", Right.CONFIGURE, fill=a_service),
    Row("tenants:new_service", Right.CONFIGURE),
    Row("tenants:new_service", Right.CONFIGURE, "POST", data=A_SERVICE, allowed=200),
    Row("tenants:rotate_service", Right.CONFIGURE, "POST", make=a_service, allowed=200),
    Row("tenants:revoke_service", Right.CONFIGURE, "POST", make=a_service),
    # --- jobs ---
    Row("jobs:list", Right.CONFIGURE, fill=a_job),
    Row("jobs:rows", Right.CONFIGURE, fill=a_job),
    Row("jobs:job", Right.VIEW_ACCOUNTS, make=a_job, except_for=NOT_THEIRS),
    Row("jobs:details", Right.VIEW_ACCOUNTS, make=a_job, except_for=NOT_THEIRS),
    Row("jobs:progress", Right.VIEW_ACCOUNTS, make=a_job, except_for=NOT_THEIRS),
    Row("jobs:cancel", Right.VIEW_ACCOUNTS, "POST", make=a_job, except_for=NOT_THEIRS),
    Row("jobs:replay", Right.CONFIGURE, "POST", make=a_cancelled_job),
    # --- audit ---
    Row("audit:log", Right.VIEW_AUDIT, fill=an_account),
    Row("audit:rows", Right.VIEW_AUDIT, fill=an_account),
    Row("audit:export", Right.VIEW_AUDIT, "POST", data={"format": "csv"}),
    Row("audit:export_file", Right.VIEW_AUDIT, make=an_export, except_for=THEIR_OWN_ONLY),
    Row("audit:verify", Right.VIEW_AUDIT, "POST", except_for={"csm": 403, "manager": 403}),
    # --- accounts ---
    Row("accounts:list", Right.VIEW_ACCOUNTS, fill=a_scored_account),
    Row("accounts:rows", Right.VIEW_ACCOUNTS, fill=a_scored_account),
    Row("accounts:search", Right.VIEW_ACCOUNTS, fill=an_account, queries=("q=Row",)),
    Row("accounts:search_results", Right.VIEW_ACCOUNTS, fill=an_account, queries=("q=Row",)),
    Row("accounts:account", Right.VIEW_ACCOUNTS, make=an_account),
    Row("accounts:account", Right.VIEW_ACCOUNTS, make=a_hidden_account, except_for=HIDDEN),
    Row("accounts:panel", Right.VIEW_ACCOUNTS, make=lambda world: {**an_account(world), "key": "notes"}),
    Row("accounts:panel", Right.VIEW_ACCOUNTS, make=an_account_with_an_observation),
    Row("accounts:evidence", Right.VIEW_ACCOUNTS, make=an_account),
    Row("accounts:evidence", Right.VIEW_ACCOUNTS, make=a_hidden_account, except_for=HIDDEN),
    Row("accounts:open_body", Right.OPEN_BODIES, "POST", make=a_ticket, allowed=200),
    Row("accounts:erase_person", Right.CONFIGURE, make=a_contact),
    Row("accounts:erase_person", Right.CONFIGURE, "POST", make=a_contact, data={"typed": "Wilma Quist"}),
    Row("accounts:add_note", Right.WORK_QUEUE, "POST", make=an_account, data={"text": "Called them."}),
    Row("accounts:add_note", Right.WORK_QUEUE, "POST", make=a_hidden_account, except_for=UNREACHED),
    Row("accounts:share", Right.SHARE_ACCOUNTS, "POST", make=an_account, allowed=422),
    Row("accounts:unshare", Right.SHARE_ACCOUNTS, "POST", make=a_share, forgives=("share_id",)),
    # --- approvals ---
    Row("approvals:inbox", Right.SEE_ARR, fill=a_request),
    Row("approvals:rows", Right.SEE_ARR, fill=a_request),
    Row("approvals:request", Right.SEE_ARR, make=a_request),
    Row("approvals:panel", Right.SEE_ARR, make=a_request),
    Row(
        "approvals:answer",
        Right.DECIDE,
        "POST",
        make=a_request,
        data=an_approval,
        except_for={"finance": 403},
    ),
    Row("approvals:withdraw", Right.SEE_ARR, "POST", make=a_request, except_for=NOT_AT_WORK),
    # --- integrations ---
    Row("integrations:imports", Right.IMPORT, fill=an_import),
    Row("integrations:upload", Right.IMPORT, "POST", allowed=422),
    Row("integrations:import_format", Right.IMPORT),
    Row("integrations:import", Right.IMPORT, make=an_import),
    Row("integrations:import_report", Right.IMPORT, make=an_import),
    Row("integrations:import_stop", Right.IMPORT, "POST", make=an_import),
    Row("integrations:import_rejects", Right.IMPORT, make=a_rejected_file),
    Row("integrations:quarantine", Right.IMPORT, make=an_import_with_a_rejected_row),
    Row("integrations:quarantine_rows", Right.IMPORT, make=an_import_with_a_rejected_row),
    Row("integrations:quarantine_counts", Right.IMPORT, make=an_import_with_a_rejected_row),
    Row("integrations:quarantine_retry_all", Right.IMPORT, "POST", make=an_import_with_a_rejected_row),
    Row("integrations:quarantine_again", Right.IMPORT, "POST", make=an_import_with_a_rejected_row),
    Row(
        "integrations:quarantine_discard_all",
        Right.IMPORT,
        "POST",
        make=an_import_with_a_rejected_row,
        data={"why": "a test"},
    ),
    Row("integrations:quarantine_put_all_back", Right.IMPORT, "POST", make=an_import_with_a_rejected_row),
    Row("integrations:quarantine_row", Right.IMPORT, make=a_rejected_row),
    Row(
        "integrations:quarantine_row",
        Right.IMPORT,
        "POST",
        make=a_rejected_row,
        data={"version": 1, "cell-0": "Q1", "cell-1": "Quarry", "cell-2": "5"},
    ),
    Row("integrations:quarantine_form", Right.IMPORT, make=a_rejected_row),
    Row("integrations:quarantine_retry", Right.IMPORT, "POST", make=a_rejected_row),
    Row(
        "integrations:quarantine_discard",
        Right.IMPORT,
        "POST",
        make=a_rejected_row,
        data={"version": 1, "why": "a test"},
    ),
    Row("integrations:quarantine_put_back", Right.IMPORT, "POST", make=a_discarded_row, data={"version": 1}),
    Row("integrations:endpoints", Right.INTEGRATIONS, fill=an_endpoint),
    Row("integrations:endpoint_new", Right.INTEGRATIONS),
    Row("integrations:endpoint_new", Right.INTEGRATIONS, "POST", data=ENDPOINT, allowed=200),
    Row("integrations:endpoint", Right.INTEGRATIONS, make=an_endpoint),
    Row("integrations:endpoint_edit", Right.INTEGRATIONS, make=an_endpoint),
    Row("integrations:endpoint_edit", Right.INTEGRATIONS, "POST", make=an_endpoint, data=ENDPOINT),
    Row("integrations:endpoint_pause", Right.INTEGRATIONS, "POST", make=an_endpoint, data={"version": 1}),
    Row(
        "integrations:endpoint_resume",
        Right.INTEGRATIONS,
        "POST",
        make=a_paused_endpoint,
        data={"version": 2},
    ),
    Row(
        "integrations:endpoint_rotate",
        Right.INTEGRATIONS,
        "POST",
        make=an_endpoint,
        data={"version": 1},
        allowed=200,
    ),
    Row("integrations:endpoint_test", Right.INTEGRATIONS, "POST", make=an_endpoint),
    Row("integrations:deliveries", Right.INTEGRATIONS, fill=a_delivery),
    Row("integrations:delivery_rows", Right.INTEGRATIONS, fill=a_delivery),
    Row("integrations:delivery", Right.INTEGRATIONS, make=a_delivery),
    Row("integrations:delivery_details", Right.INTEGRATIONS, make=a_delivery),
    Row("integrations:delivery_replay", Right.INTEGRATIONS, "POST", make=a_failed_delivery),
    Row("integrations:delivery_cancel", Right.INTEGRATIONS, "POST", make=a_delivery),
    # --- scoring ---
    Row("scoring:scores", Right.VIEW_ACCOUNTS, fill=nightly.scored),
    Row("scoring:indicators", Right.VIEW_ACCOUNTS),
    Row("scoring:run", Right.SCORE, "POST"),
    Row("scoring:override", Right.WORK_QUEUE, "POST", make=a_scored_account, data=an_override),
    Row("scoring:end_override", Right.WORK_QUEUE, "POST", make=a_scored_account),
    Row("scoring:renewals", Right.VIEW_OUTCOMES, fill=nightly.renewals, queries=("", "by=region")),
    Row("scoring:growth", Right.VIEW_ACCOUNTS, fill=nightly.growth, queries=LISTS_OF_GROWTH),
    Row("scoring:growth_run", Right.SCORE, "POST"),
    Row(
        "scoring:growth_export",
        Right.VIEW_ACCOUNTS,
        "POST",
        allowed=200,
        except_for={"reviewer": 403, "support": 403},
        fill=nightly.growth,
        queries=LISTS_OF_GROWTH,
    ),
    Row(
        "scoring:renewals_export",
        Right.VIEW_OUTCOMES,
        "POST",
        allowed=200,
        except_for=NO_EXPORT,
        fill=nightly.renewals,
    ),
    Row(
        "scoring:renewal_terms_export",
        Right.VIEW_OUTCOMES,
        "POST",
        allowed=200,
        except_for=NO_EXPORT,
        fill=nightly.renewals,
    ),
    Row("scoring:changes", Right.VIEW_ACCOUNTS, make=a_scored_account),
    Row("scoring:brief", Right.VIEW_ACCOUNTS, make=a_scored_account),
    Row("scoring:sentiment", Right.WORK_QUEUE, "POST", make=an_account, data=a_sentiment),
    Row("scoring:end_sentiment", Right.WORK_QUEUE, "POST", make=an_account),
    Row(
        "scoring:observe",
        Right.VIEW_ACCOUNTS,
        "POST",
        make=an_account_with_a_person,
        data=an_observation,
        except_for=NO_OBSERVATIONS,
    ),
    Row(
        "scoring:withdraw_observation",
        Right.VIEW_ACCOUNTS,
        "POST",
        make=an_observation_made,
        except_for=NO_OBSERVATIONS,
    ),
    Row("scoring:departed", Right.WORK_QUEUE, "POST", make=an_account_with_a_person, data=a_departure),
    Row("scoring:add_person", Right.WORK_QUEUE, "POST", make=an_account, data=a_new_person),
    Row(
        "scoring:feedback",
        Right.GIVE_FEEDBACK,
        "POST",
        make=an_account,
        data={"about": "reason", "key": "usage.trend_30d", "said": "helpful"},
    ),
    Row("scoring:notices", Right.VIEW_ACCOUNTS, fill=nightly.notices),
    Row(
        "scoring:dismiss_notice",
        Right.VIEW_ACCOUNTS,
        "POST",
        make=a_notice_of_the_csm,
        except_for=NOT_THE_CSM,
    ),
    Row("scoring:reports", Right.CONFIGURE, fill=nightly.reports),
    Row("scoring:report", Right.CONFIGURE, make=a_data_report),
    Row(
        "scoring:report_correct",
        Right.CONFIGURE,
        "POST",
        make=a_data_report,
        data={"place": "contact:1:role"},
        allowed=422,
    ),
    Row("scoring:report_close", Right.CONFIGURE, "POST", make=a_data_report, data={"answer": "It is right."}),
    Row("scoring:outcomes", Right.VIEW_OUTCOMES, fill=nightly.scored),
    Row("scoring:outcome_panels", Right.VIEW_OUTCOMES, fill=nightly.scored),
    Row("scoring:outcome_trend", Right.VIEW_OUTCOMES, fill=nightly.scored),
    Row(
        "scoring:outcome_export",
        Right.VIEW_OUTCOMES,
        "POST",
        allowed=200,
        except_for=NO_EXPORT,
        fill=nightly.scored,
    ),
    Row("scoring:outcome_rows", Right.VIEW_OUTCOMES, fill=nightly.scored, queries=FIGURES),
    Row("scoring:outcome_rows_list", Right.VIEW_OUTCOMES, fill=nightly.scored, queries=FIGURES),
    Row(
        "scoring:outcome_rows_export",
        Right.VIEW_OUTCOMES,
        "POST",
        allowed=200,
        except_for=NO_EXPORT,
        fill=nightly.scored,
        queries=FIGURES,
    ),
    Row("scoring:outcome_lost", Right.VIEW_OUTCOMES, fill=nightly.scored),
    Row("scoring:outcome_lost_list", Right.VIEW_OUTCOMES, fill=nightly.scored),
    Row(
        "scoring:outcome_lost_export",
        Right.VIEW_OUTCOMES,
        "POST",
        allowed=200,
        except_for=NO_EXPORT,
        fill=nightly.scored,
    ),
    Row("scoring:outcome_post_mortem", Right.VIEW_OUTCOMES, make=a_lost_account),
    Row(
        "scoring:outcome_correct",
        Right.VIEW_OUTCOMES,
        "POST",
        make=a_lost_account,
        data={"cause": "no_play", "reason": "Nobody called.", "version": "0"},
        except_for=dict.fromkeys(("executive", "finance", "revops", "ops_admin", "auditor", "reviewer"), 403),
    ),
    Row("scoring:affected", Right.VIEW_ACCOUNTS),
    Row("scoring:model_quality", Right.VIEW_QUALITY, fill=nightly.quality),
    Row("scoring:quality_run", Right.SCORE, "POST"),
    Row("scoring:quality_export", Right.VIEW_QUALITY, "POST", allowed=200, fill=nightly.quality),
    Row("scoring:cohorts", Right.VIEW_OUTCOMES, fill=nightly.cohorts),
    Row("scoring:cohorts_run", Right.SCORE, "POST"),
    Row(
        "scoring:cohorts_export",
        Right.VIEW_OUTCOMES,
        "POST",
        allowed=200,
        except_for=NO_EXPORT,
        fill=nightly.cohorts,
    ),
    Row("scoring:associated", Right.VIEW_QUALITY, fill=nightly.associated),
    Row("scoring:associated_export", Right.VIEW_QUALITY, "POST", allowed=200, fill=nightly.associated),
    Row("scoring:models", Right.VIEW_QUALITY, fill=a_version),
    Row("scoring:model", Right.VIEW_QUALITY, make=a_version),
    Row("scoring:models_readiness", Right.VIEW_QUALITY, fill=a_version),
    Row("scoring:models_paused", Right.VIEW_QUALITY),
    Row("scoring:models_paused_part", Right.VIEW_QUALITY),
    Row("scoring:models_train", Right.SCORE, "POST"),
    Row("scoring:models_backtest", Right.SCORE, "POST"),
    Row("scoring:models_check", Right.SCORE, "POST"),
    Row("scoring:pool", Right.VIEW_QUALITY),
    Row("scoring:pool_consent", Right.CONFIGURE, "POST", data={"consents": "yes", "why": "We take part."}),
    Row("scoring:model_step", Right.CONFIGURE, make=a_step),
    Row(
        "scoring:model_step",
        Right.CONFIGURE,
        "POST",
        make=a_step,
        data={"why": "Watch it.", "row_version": "1"},
    ),
    Row("scoring:models_source", Right.CONFIGURE, make=a_source_away),
    Row("scoring:models_source", Right.CONFIGURE, "POST", make=a_source_away, data={"why": "They left it."}),
    Row("scoring:policies", Right.CONFIGURE),
    Row("scoring:policy", Right.CONFIGURE, make=a_policy),
    Row("scoring:policy", Right.CONFIGURE, make=nightly.a_previewed_policy),
    Row("scoring:policy_draft", Right.CONFIGURE, "POST", make=a_policy),
    Row("scoring:policy_preview", Right.CONFIGURE, "POST", make=a_policy),
    Row("scoring:policy_publish", Right.CONFIGURE, "POST", make=a_policy),
    Row("scoring:policy_rollback", Right.CONFIGURE, "POST", make=a_policy),
    Row("scoring:policy_discard", Right.CONFIGURE, "POST", make=a_policy),
    Row("scoring:policy_diff", Right.CONFIGURE, make=a_policy),
    Row("scoring:whatif_chances", Right.SCORE, fill=nightly.chances_replayed, queries=("", "job={job_id}")),
    Row("scoring:whatif_try", Right.SCORE, "POST", data={"high_from": "0.4", "flags_per_csm_week": 3}),
    Row("scoring:whatif_publish", Right.CONFIGURE, "POST", make=a_replay, data={"why": "Fewer alarms."}),
    Row("scoring:whatif_diff", Right.SCORE, make=a_chance_version),
    Row(
        "scoring:whatif_rollback",
        Right.CONFIGURE,
        "POST",
        make=a_chance_version,
        data={"why": "More alarms.", "in_force": 2},
    ),
    # --- playbooks ---
    Row("playbooks:queue", Right.VIEW_ACCOUNTS, fill=a_suggestion),
    Row("playbooks:queue_rows", Right.VIEW_ACCOUNTS, fill=a_suggestion),
    Row("playbooks:queue_why", Right.VIEW_ACCOUNTS, make=an_account_in_the_queue),
    Row("playbooks:queue_export", Right.EXPORT, "POST", allowed=200, fill=a_suggestion),
    Row("playbooks:accept", Right.WORK_QUEUE, "POST", make=a_suggestion, data={"version": 1}),
    Row("playbooks:snooze", Right.WORK_QUEUE, make=a_suggestion),
    Row("playbooks:snooze", Right.WORK_QUEUE, "POST", make=a_suggestion, allowed=422),
    Row("playbooks:snooze_form", Right.WORK_QUEUE, make=a_suggestion),
    Row("playbooks:dismiss", Right.WORK_QUEUE, make=a_suggestion),
    Row(
        "playbooks:dismiss",
        Right.WORK_QUEUE,
        "POST",
        make=a_suggestion,
        data={"version": 1, "reason": "handled"},
    ),
    Row("playbooks:dismiss_form", Right.WORK_QUEUE, make=a_suggestion),
    Row("playbooks:undo", Right.WORK_QUEUE, "POST", make=an_answered_suggestion, data={"version": 2}),
    Row("playbooks:bulk", Right.WORK_QUEUE),
    Row("playbooks:bulk", Right.WORK_QUEUE, "POST", data={"action": "accept"}),
    Row("playbooks:bulk_form", Right.WORK_QUEUE),
    Row("playbooks:undo_bulk", Right.WORK_QUEUE, "POST"),
    Row("playbooks:plays", Right.VIEW_ACCOUNTS, fill=a_play),
    Row("playbooks:plays_rows", Right.VIEW_ACCOUNTS, fill=a_play),
    Row("playbooks:my_tasks", Right.VIEW_ACCOUNTS, fill=a_play),
    Row("playbooks:play", Right.VIEW_ACCOUNTS, make=a_play),
    Row("playbooks:play_body", Right.VIEW_ACCOUNTS, make=a_play),
    Row(
        "playbooks:play_close", Right.WORK_QUEUE, "POST", make=a_play, data={"version": 2, "outcome": "saved"}
    ),
    Row(
        "playbooks:play_stop", Right.WORK_QUEUE, "POST", make=a_play, data={"version": 2, "reason": "Bought"}
    ),
    Row("playbooks:play_undo", Right.WORK_QUEUE, "POST", make=a_starting_play, data={"version": 2}),
    Row("playbooks:step_ask", Right.WORK_QUEUE, "POST", make=a_concession, data=OFFER),
    Row("playbooks:step_hint", Right.WORK_QUEUE, make=a_concession),
    Row(
        "playbooks:step_skip",
        Right.WORK_QUEUE,
        "POST",
        make=a_concession,
        data={"version": 1, "reason": "No"},
    ),
    Row("playbooks:task_done", Right.WORK_QUEUE, "POST", make=a_task, data={"version": 1, "on": "mine"}),
    Row(
        "playbooks:task_reopen", Right.WORK_QUEUE, "POST", make=a_done_task, data={"version": 2, "on": "mine"}
    ),
    Row("playbooks:task_add", Right.WORK_QUEUE, "POST", make=an_account, data=TASK),
]
# fmt: on

SERVICES = [
    Service("scim:scim", "scim", make=lambda world: {"rest": "Users"}),
    Service("tenants:usage_api", "usage.read"),
    # 411: past the door, without a bundle
    Service("integrations:api_imports", "import", "POST", allowed=411),
    Service("integrations:api_import", "import", make=an_import),
]

OUTSIDE = [
    Outside("favicon", member=200, signed_out=200),
    Outside("healthz", member=200, signed_out=200),
    Outside("readyz", member=200, signed_out=200),
    Outside("metrics", member=200, signed_out=200),  # by network; tests/platform/test_metrics.py
    Outside("tenants:home", member=302, signed_out=302),
    Outside("tenants:queue", member=302, signed_out=302),
    Outside("tenants:accounts", member=302, signed_out=302),
    Outside("tenants:account", member=302, signed_out=302, make=lambda world: {"rest": "7/"}),
    Outside("tenants:workspaces", member=200, signed_out=302),
    Outside("tenants:invitation", member=200, signed_out=200, make=an_invitation),
    Outside("signin:browsers", member=200, signed_out=302),
    Outside("signin:again", member=302, signed_out=302, make=lambda world: {"token": "gone"}),
]

GROUPS = [
    Group(
        "admin:", "HoldfastAdmin.admin_view guards every address of it; tests/tenants/test_admin.py runs each"
    ),
    Group("account_", "django-allauth's sign-in, password and e-mail pages: a person's own, no tenant's"),
    Group("mfa_", "django-allauth's second factors: a person's own; tests/signin runs them"),
    Group("socialaccount_", "django-allauth's pages beside the company's sign-in: a person's own"),
    Group("openid_connect_", "the way to the company's sign-in and back; tests/signin runs it"),
    Group("social/", "django-allauth's old addresses, which lead to the ones above"),
]
