"""One reader's inbox at one place of it: what the page, its list and its open request are made from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from approvals import pages, paging, queries
from approvals.forms import AnswerForm, InboxFilters
from approvals.models import ApprovalRequest
from approvals.registry import kinds
from approvals.times import Reader
from tenants.access import Right, can
from tenants.models import Membership

KEYS = (
    ("J K", "next, previous"),
    ("1", "approve"),
    ("2", "ask for changes"),
    ("3", "reject"),
    ("C", "comment"),
    ("Ctrl Enter", "send"),
)
LISTS = {"waiting": queries.waiting, "answered": queries.answered_by, "all": queries.readable_requests}


class NotHere(LookupError):
    """No such request, or not one that this person may read: nobody can tell which."""


@dataclass(frozen=True)
class Inbox:
    viewer: Membership
    filters: InboxFilters
    before: str = ""
    after: str = ""

    @property
    def tab(self) -> str:
        return self.filters.chosen("tab") or "waiting"

    @property
    def kind(self) -> str:
        return self.filters.chosen("kind")

    @cached_property
    def reader(self) -> Reader:
        return Reader.at(timezone.now(), self.viewer.tenant)

    @cached_property
    def approvers(self) -> list[Membership]:
        return queries.approvers(self.viewer.tenant)

    @cached_property
    def page(self) -> paging.Page:
        rows = LISTS[self.tab](self.viewer.tenant, self.viewer)
        if self.kind:
            rows = rows.filter(kind=self.kind)
        order = paging.DUE_FIRST if self.tab == "waiting" else paging.NEWEST_FIRST
        return paging.page_of(rows, order, before=self.before, after=self.after)

    # --- addresses: the page's own always carry the whole place ---

    def url(self, ref: str = "", name: str = "approvals:inbox", **more: str) -> str:
        asked = {"tab": self.tab if self.tab != "waiting" else "", "kind": self.kind, "r": ref, **more}
        query = urlencode({key: value for key, value in asked.items() if value})
        address = reverse(name, args=[self.viewer.tenant.slug])
        return f"{address}?{query}" if query else address

    @property
    def unfiltered_url(self) -> str:
        return self._tab_url(self.tab)

    @property
    def all_url(self) -> str:
        return self._tab_url("all")

    @property
    def has_kinds(self) -> bool:
        return len(kinds) > 1 or bool(self.kind)

    def request_url(self, name: str, ref: str) -> str:
        asked = {"tab": self.tab if self.tab != "waiting" else "", "kind": self.kind}
        query = urlencode({key: value for key, value in asked.items() if value})
        address = reverse(f"approvals:{name}", args=[self.viewer.tenant.slug, ref])
        return f"{address}?{query}" if query else address

    # --- contexts ---

    def whole(self, ref: str, *, form: AnswerForm | None = None, conflict: str = "") -> dict[str, Any]:
        """The page: list and open request; without a ref the first of the list is open. Raises NotHere."""
        chosen = self.find(ref) if ref else next(iter(self.page.rows), None)
        return {
            **self.listed(chosen.ref if chosen else ""),
            **(self.opened(chosen, form=form, conflict=conflict) if chosen else {}),
            "summary": queries.summary(self.viewer.tenant, self.viewer, now=self.reader.now),
            "tabs": [(name, label, self._tab_url(name, self.kind)) for name, label in InboxFilters.TABS],
            "policy_url": self._policy_url(),
            "keys_help": KEYS,
        }

    def listed(self, current: str) -> dict[str, Any]:
        """The list and its pager."""
        page = self.page
        steps = {"newer": {"before": page.before}, "older": {"after": page.after}}
        places = {
            side: self.url(current, **step) if any(step.values()) else "" for side, step in steps.items()
        }
        rows = {
            f"{side}_rows": self.url(current, name="approvals:rows", **step) if any(step.values()) else ""
            for side, step in steps.items()
        }
        return {
            "inbox": self,
            "filters": self.filters,
            "lines": [self.line(each, current=each.ref == current) for each in page.rows],
            "page": page,
            "places": places | rows,
        }

    def opened(
        self, request: ApprovalRequest, *, form: AnswerForm | None = None, conflict: str = ""
    ) -> dict[str, Any]:
        """One request with the form to answer it."""
        tenant = self.viewer.tenant
        case = pages.case(
            request,
            viewer=self.viewer,
            reader=self.reader,
            given=queries.decisions(tenant, request),
            approvers=queries.seeing(tenant, request, self.approvers),
            link=pages.link_of(request, viewer=self.viewer),
        )
        return {
            "inbox": self,
            "case": case,
            "account_url": self._account_url(request),
            "answer_url": self.request_url("answer", request.ref),
            "withdraw_url": self.request_url("withdraw", request.ref),
            "form": form or AnswerForm(initial={"digest": request.digest}),
            "conflict": conflict,
        }

    def line(self, request: ApprovalRequest, *, current: bool = False) -> pages.Line:
        return pages.line(
            request,
            viewer=self.viewer,
            reader=self.reader,
            approvers=self.approvers,
            current=current,
            url=self.url(request.ref, before=self.before, after=self.after),
            panel_url=self.request_url("panel", request.ref),
        )

    def find(self, ref: str) -> ApprovalRequest:
        found = next((each for each in self.page.rows if each.ref == ref), None)
        return found or self.read([ref])[ref]

    def read(self, refs: list[str]) -> dict[str, ApprovalRequest]:
        """These requests as they stand, by ref; raises NotHere unless the first of them may be read."""
        found = queries.readable_requests(self.viewer.tenant, self.viewer).filter(ref__in=refs)
        by_ref = {each.ref: each for each in found}
        if refs[0] not in by_ref:
            raise NotHere(refs[0])
        return by_ref

    def _tab_url(self, tab: str, kind: str = "") -> str:
        asked = {"tab": tab, **({"kind": kind} if kind else {})}
        return f"{reverse('approvals:inbox', args=[self.viewer.tenant.slug])}?{urlencode(asked)}"

    def _policy_url(self) -> str:
        allowed = can(self.viewer, Right.CONFIGURE)
        return reverse("admin:approvals_approvalpolicy_changelist") if allowed else ""

    def _account_url(self, request: ApprovalRequest) -> str:
        if request.account_id is None:
            return ""
        try:
            return reverse("accounts:account", args=[self.viewer.tenant.slug, request.account_id])
        except NoReverseMatch:  # an installation of other pages may have no account page
            return ""
