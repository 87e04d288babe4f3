"""What the made-up vendor sells, and its help centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .clock import Window, add_days, at_midnight
from .tables import BundleWriter, words


@dataclass(frozen=True)
class Product:
    """A product with the features that people use in it."""

    external_id: str
    name: str
    category: str
    family: str
    features: tuple[str, ...]


PRODUCTS = (
    Product(
        "QL-DESK",
        "Quayline Desk",
        "platform",
        "core",
        ("boards", "saved views", "comments", "bulk edit", "search", "permissions", "templates", "calendar"),
    ),
    Product(
        "QL-FLOW",
        "Quayline Flow",
        "automation",
        "add-on",
        ("flow builder", "triggers", "approvals", "run history"),
    ),
    Product(
        "QL-LENS",
        "Quayline Lens",
        "analytics",
        "add-on",
        ("dashboards", "scheduled reports", "forecasts", "exports"),
    ),
    Product(
        "QL-LINK",
        "Quayline Link",
        "integration",
        "add-on",
        ("CRM sync", "webhooks", "file import", "public API"),
    ),
    Product(
        "QL-VAULT",
        "Quayline Vault",
        "documents",
        "add-on",
        ("versions", "retention rules", "e-signature", "audit log"),
    ),
)
CORE = 0
ADD_ONS = len(PRODUCTS) - 1
PRODUCT_IDS = words(product.external_id for product in PRODUCTS)
PRODUCT_NAMES = words(product.name for product in PRODUCTS)

ARTICLES: tuple[tuple[str, str, str], ...] = (
    (
        "QL-DESK",
        "Why a saved view shows fewer rows than you expect",
        "Open the view and look at the filter chips above the table: filters that a colleague shared with you are "
        "applied before your own. Press Reset to start again, or duplicate the view to keep both.",
    ),
    (
        "QL-DESK",
        "Who may see what: roles and shared boards",
        "A person sees a board through their role or through a share. The narrower of the two wins. Under Settings, "
        "Access, choose Explain next to a name to read why it is allowed or refused.",
    ),
    (
        "QL-DESK",
        "Editing many records at once",
        "Select up to 5,000 records, choose Edit, and check the preview. The change can be taken back for 24 hours "
        "from the activity panel. Larger edits run at night and report by e-mail.",
    ),
    (
        "QL-DESK",
        "Search does not find a record",
        "New records are searchable within two minutes. Archived ones need the filter Archived. Put exact numbers in "
        "quotation marks, and check that your role may read the board.",
    ),
    (
        "QL-DESK",
        "Slow boards: what helps",
        "Boards above 20,000 cards load in pieces. Hide columns that nobody needs, split by team, and switch "
        "off live counters. If it stays slow, send us the timing from Help, Diagnostics.",
    ),
    (
        "QL-DESK",
        "Your first month: a plan for administrators",
        "Week one: invite the pilot team. Week two: import your records. Week three: build two templates. Week four: "
        "invite everyone else and agree on the one number you want to move.",
    ),
    (
        "QL-DESK",
        "Adding and removing seats",
        "Seats may be added at any time and are charged for the rest of the term. They can be given back at renewal; "
        "tell us before the notice period ends.",
    ),
    (
        "QL-DESK",
        "Signing in with your own identity provider",
        "SAML and OpenID Connect are both supported. Upload the metadata, test with one account, and keep one "
        "local administrator so that nobody is locked out.",
    ),
    (
        "QL-FLOW",
        "A flow ran twice",
        "Two triggers that match the same event both start the flow. Add the step Only once, which remembers the key "
        "you give it for seven days.",
    ),
    (
        "QL-FLOW",
        "Why a flow is paused",
        "Flows pause after twenty failures in a row. Open Run history, mend the step in red and choose Resume from "
        "here; nothing that succeeded runs again.",
    ),
    (
        "QL-FLOW",
        "Approvals that wait for someone on leave",
        "Give each approver a stand-in under People, Absence. Requests older than the limit you set go to the "
        "stand-in by themselves.",
    ),
    (
        "QL-LENS",
        "Numbers on a dashboard differ from the export",
        "Dashboards refresh every fifteen minutes and use the workspace's time zone; exports are live and use UTC. "
        "Choose the same zone for both to compare.",
    ),
    (
        "QL-LENS",
        "Scheduled reports did not arrive",
        "Check the delivery log under Lens, Schedules. Addresses that bounced three times are muted until an "
        "administrator clears them.",
    ),
    (
        "QL-LENS",
        "Exports stop half-way",
        "Exports above one million rows are split into parts. Allow several downloads in your browser, or send the "
        "export to a storage bucket.",
    ),
    (
        "QL-LINK",
        "The CRM sync skips records",
        "Records without an owner or with a field longer than the target's limit are skipped and listed under Link, "
        "Skipped. Mend them there and press Retry.",
    ),
    (
        "QL-LINK",
        "Webhook deliveries and retries",
        "A delivery is repeated six times over a day. Answer with any 2xx within ten seconds and do the work later. "
        "Every delivery carries an id, so that you can drop repeats.",
    ),
    (
        "QL-LINK",
        "Preparing a file for import",
        "Save as UTF-8 with a header line, one record a line, and dates as 2026-03-01. Try with ten lines first; "
        "lines that cannot be read are offered for correction.",
    ),
    (
        "QL-LINK",
        "Limits of the public API",
        "Each key may send 600 requests a minute. The header that tells what is left comes with every answer; wait "
        "for the time it names rather than trying again at once.",
    ),
    (
        "QL-VAULT",
        "Going back to an earlier version",
        "Open Versions, pick a day, and choose Compare. Restoring makes a new version on top, so nothing is lost.",
    ),
    (
        "QL-VAULT",
        "Retention rules and legal hold",
        "A hold beats every rule. Documents under a hold show a lock and are left out of the nightly clearing.",
    ),
    (
        "QL-VAULT",
        "A signer did not get the request",
        "Ask them to look for our address among held mail, then choose Send again. The link in the older mail stops "
        "working.",
    ),
    (
        "",
        "How support works, and how fast",
        "Urgent requests are answered within an hour on Business and Enterprise plans, high within four, others "
        "within a working day. Write what you expected, what you saw, and when.",
    ),
)


def write_catalogue(writer: BundleWriter, window: Window, rng: np.random.Generator) -> None:
    """Write products and help articles."""
    writer.write(
        "products",
        {
            "external_id": PRODUCT_IDS,
            "name": PRODUCT_NAMES,
            "category": words(product.category for product in PRODUCTS),
            "family": words(product.family for product in PRODUCTS),
        },
    )
    ages = rng.uniform(1, 400, len(ARTICLES))
    writer.write(
        "articles",
        {
            "external_id": words(f"HELP-{number:03d}" for number in range(1, len(ARTICLES) + 1)),
            "title": words(title for _, title, _ in ARTICLES),
            "body": words(body for _, _, body in ARTICLES),
            "product": words(product or None for product, _, _ in ARTICLES),
            "updated_at": add_days(np.repeat(at_midnight(np.array([window.end])), len(ARTICLES)), -ages),
        },
    )
