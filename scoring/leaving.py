"""How a customer left: of its own will, by not renewing, or for want of payment.

Text and rules alone, for pages and for learning, so that a post-mortem and a back-test cannot count the same leaving as
two kinds.
"""

from datetime import date

KINDS = ("voluntary", "non_renewal", "payment_failure", "unknown")
LABELS = {
    "voluntary": "Voluntary",
    "non_renewal": "Not renewed",
    "payment_failure": "Payment failure",
    "unknown": "Not known",
}
ARREARS_DAYS = 60  # an invoice unpaid for that long when the account went: it went for want of payment
MEANING = {
    "voluntary": "gave notice, or went, before its term ended",
    "non_renewal": "went at the end of its term, without notice before",
    "payment_failure": f"the reason says so, or an invoice was overdue for {ARREARS_DAYS} days",
    "unknown": "no term is known",
}
_PAYMENT_WORDS = ("non_payment", "nonpayment", "payment_failure", "payment_failed", "not_paid", "unpaid")

# The main term at the leaving: the largest one active then, or else the one that ended last. {account}, {at} and {day}
# name the columns of who left.
TERM = """LEFT JOIN LATERAL (
    SELECT s.renewal_date, s.cancelled_at FROM accounts_subscription s
    WHERE s.tenant_id = %(tenant)s AND s.account_id = {account} AND s.started_at < {at}
    ORDER BY s.renewal_date >= {day} DESC, CASE WHEN s.renewal_date >= {day} THEN s.arr END DESC NULLS LAST,
             s.renewal_date DESC, s.external_id
    LIMIT 1
) term ON true"""
# its end, its notice where that was known before {known}, and for how many days the oldest invoice was overdue
FACTS = """term.renewal_date AS term_end,
       CASE WHEN term.cancelled_at < {known} AND term.cancelled_at <= {at}
            THEN (term.cancelled_at AT TIME ZONE 'UTC')::date END AS noticed,
       (SELECT {day} - (min(due_at) AT TIME ZONE 'UTC')::date FROM accounts_invoice i
        WHERE i.tenant_id = %(tenant)s AND i.account_id = {account} AND i.due_at < {at}
          AND (i.paid_at IS NULL OR i.paid_at >= {at})
          AND (i.voided_at IS NULL OR i.voided_at >= {at})) AS arrears"""


def kind_of(left: date, reason: str, term_end: date | None, noticed: date | None, arrears: int | None) -> str:
    """One of KINDS. payment_failure: for want of payment, as the reason says or an invoice overdue for ARREARS_DAYS
    shows. voluntary: notice was given, or the account went, before its term ended. non_renewal: at the end, without
    notice.
    """
    words = reason.strip().lower().replace(" ", "_").replace("-", "_")
    if words in _PAYMENT_WORDS or (arrears is not None and arrears >= ARREARS_DAYS):
        return "payment_failure"
    if term_end is None:
        return "unknown"
    if (noticed is not None and noticed < term_end) or left < term_end:
        return "voluntary"
    return "non_renewal"
