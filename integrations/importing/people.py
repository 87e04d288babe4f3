"""Keeps people out of what is imported: those erased on request, and in a sandbox everybody (docs/erasure.md).

Both happen to the rows as they are read, so that nothing behind it, not the stage, the quarantine or a report, ever
holds a name. The same input gives the same masked output, so a second import of it changes nothing.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from accounts.models import Opportunity
from accounts.suppression import Suppressed
from config.secrets import marks
from integrations.importing.columns import File
from integrations.importing.format import FILES
from integrations.importing.reading import Chunk, Ragged
from tenants.models import Tenant
from tenants.scoping import tenant_transaction

# what somebody wrote, by file: where a person's name may stand
TEXTS: dict[str, tuple[str, ...]] = {
    "tickets": ("subject", "body", "resolution"),
    "surveys": ("comment",),
    "activities": ("subject", "body"),
    "opportunities": ("name", "next_step"),
    "opportunity_changes": ("old_value", "new_value"),
    "objectives": ("name",),
    "milestones": ("name",),
    "subscriptions": ("cancel_reason",),
    "outcomes": ("reason",),
    "company_events": ("headline",),
}
# masked in a sandbox: what is said in private; names of deals and goals, and codes, are the company's own
PRIVATE: dict[str, tuple[str, ...]] = {
    "tickets": ("subject", "body", "resolution"),
    "surveys": ("comment",),
    "activities": ("subject", "body"),
    "opportunities": ("next_step",),
    "subscriptions": ("cancel_reason",),
}
MASKED = "(masked)"


class People:
    """One file's rows without the people who shall not be in them."""

    def __init__(self, tenant: Tenant, file: File) -> None:
        self.tenant = tenant
        self.file = file
        self.ignored = 0
        self._masks = tenant.is_sandbox and tenant.mask_people
        with tenant_transaction(tenant.pk):
            self._suppressed = Suppressed(tenant)
            self._home = self._homes() if self._suppressed else {}

    def _homes(self) -> dict[str, str]:
        """The account behind what stands in the column that names the row's account, or its opportunity."""
        accounts = {each: each for each in self._suppressed.accounts}
        if self.file.name != "opportunity_changes":
            return accounts
        rows = Opportunity.objects.for_tenant(self.tenant).filter(account__external_id__in=accounts)
        return dict(rows.values_list("external_id", "account__external_id"))

    def of(self, chunk: Chunk) -> Chunk:
        if self._suppressed:
            chunk = self._without_erased(chunk)
        return self._masked(chunk) if self._masks else chunk

    # --- erased -----------------------------------------------------------------------------------

    def _without_erased(self, chunk: Chunk) -> Chunk:
        if self.file.name == "contacts":
            chunk = self._leave_out(chunk)
        cells = dict(chunk.cells)
        for name in self._names_of_contacts(cells):
            cells[name] = _each(cells[name], self._with_pseudonyms)
        self._scrub(cells)
        ragged = [row for row in chunk.ragged if not self._is_about_erased(row.cells)]
        self.ignored += len(chunk.ragged) - len(ragged)
        return replace(chunk, cells=cells, ragged=ragged)

    def _leave_out(self, chunk: Chunk) -> Chunk:
        ids, emails = chunk.cells.get("external_id"), chunk.cells.get("email")
        size = len(chunk)
        pairs = zip(
            ids if ids is not None else [None] * size,
            emails if emails is not None else [None] * size,
            strict=True,
        )
        keep = pl.Series(
            [
                not self._suppressed.is_erased(external_id=(i or "").strip(), email=(e or "").strip())
                for i, e in pairs
            ],
            dtype=pl.Boolean,
        )
        if keep.all():
            return chunk
        self.ignored += size - int(keep.sum())
        cells = {name: series.filter(keep) for name, series in chunk.cells.items()}
        return replace(chunk, line=chunk.line.filter(keep), cells=cells)

    def _names_of_contacts(self, cells: dict[str, Any]) -> list[str]:
        return [c.name for c in self.file.columns if c.names == "contacts" and c.name in cells]

    def _with_pseudonyms(self, cell: str) -> str:
        ids = [part.strip() for part in cell.split(";")]
        return ";".join(self._suppressed.pseudonym_of(each) or each for each in ids) if cell else cell

    def _is_about_erased(self, cells: list[str]) -> bool:
        return any(
            self._suppressed.is_erased(external_id=each.strip(), email=each.strip()) for each in cells if each
        )

    def _scrub(self, cells: dict[str, pl.Series]) -> None:
        key = "opportunity_external_id" if self.file.name == "opportunity_changes" else "account_external_id"
        texts = [name for name in TEXTS.get(self.file.name, ()) if name in cells]
        if key not in cells or not texts or not self._home:
            return
        homes = [self._home.get((each or "").strip()) for each in cells[key]]
        if not any(homes):
            return
        for name in texts:
            scrubbed = [
                self._suppressed.scrub(home, text) if home and text else text
                for home, text in zip(homes, cells[name], strict=True)
            ]
            cells[name] = pl.Series(name, scrubbed, dtype=pl.String)

    # --- masked -----------------------------------------------------------------------------------

    def _masked(self, chunk: Chunk) -> Chunk:
        cells = dict(chunk.cells)
        for name in self._names_of_contacts(cells):
            cells[name] = _each(cells[name], lambda cell: ";".join(map(self._id, cell.split(";"))))
        for name in PRIVATE.get(self.file.name, ()):
            if name in cells:
                cells[name] = _each(cells[name], self._text)
        if self.file.name == "contacts":
            self._mask_contacts(cells)
        if self.file.name == "opportunity_changes":
            self._mask_changes(cells)
        return replace(chunk, cells=cells, ragged=[Ragged(row.line, [MASKED]) for row in chunk.ragged])

    def _mask_contacts(self, cells: dict[str, pl.Series]) -> None:
        """Whatever the format does not know may be a telephone number, so it stays behind."""
        for name in cells:
            if name not in FILES["contacts"].by_name:
                cells[name] = pl.Series(name, [None] * len(cells[name]), dtype=pl.String)
        for name, mask in (("external_id", self._id), ("name", self._name), ("email", self._email)):
            if name in cells:
                cells[name] = _each(cells[name], mask)

    def _mask_changes(self, cells: dict[str, pl.Series]) -> None:
        """Of a deal's history only what was written about the next step."""
        if "field" not in cells:
            return
        said = [(each or "").strip() == "next_step" for each in cells["field"]]
        for name in {"old_value", "new_value"} & set(cells):
            pairs = zip(said, cells[name], strict=True)
            masked = [self._text(text) if private and text else text for private, text in pairs]
            cells[name] = pl.Series(name, masked, dtype=pl.String)

    def _sign(self, kind: str, value: str) -> str:
        return marks(f"{self.tenant.pk}:{kind}:{value.strip().casefold()}", purpose="sandbox.mask")[0][:10]

    def _id(self, value: str) -> str:
        """An id at the source stays, unless it is an address."""
        return f"contact-{self._sign('id', value)}" if "@" in value else value

    def _name(self, value: str) -> str:
        return f"Person {self._sign('name', value)}"

    def _email(self, value: str) -> str:
        """What is no address at all stays as wrong as it was, and says nothing."""
        return (
            f"{self._sign('email', value)}@masked.invalid"
            if re.fullmatch(r"\S+@\S+\.\S+", value.strip())
            else MASKED
        )

    def _text(self, value: str) -> str:
        return f"Masked text of {len(value)} characters."


def _each(cells: pl.Series, change: Callable[[str], str]) -> pl.Series:
    """Every cell that is filled, changed; each value once, however often it stands there."""
    known = {value: change(value) for value in cells.unique().to_list() if value is not None}
    return pl.Series(cells.name, [None if each is None else known[each] for each in cells], dtype=pl.String)
