"""Money and contract: payment, terms, news of the company."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
BUSINESS: tuple[Indicator, ...] = (
    Indicator(
        "business.overdue_days", "Days overdue", D.BUSINESS, "payment", "days", False, 0,
        "Days that the oldest unpaid invoice is past its due date.",
        "invoices", (0, 10, 30, 60), (100, 70, 30, 0), 2,
        "Oldest unpaid invoice is {v:.0f} day{s} overdue", "No invoice is overdue",
    ),
    Indicator(
        "business.late_payments", "Late payments", D.BUSINESS, "payment", "share", False, 365,
        "Of the invoices that fell due in the last 365 days, at least 5 days ago: the share paid, or still unpaid, "
        "more than 5 days late. Needs 2 invoices.",
        "invoices", (0, 0.25, 0.5, 1), (100, 70, 35, 0), 2,
        "{pct:.0f}% of invoices paid more than 5 days late", "Invoices were paid on time for a year",
    ),
    Indicator(
        "business.notice_given", "Notice given", D.BUSINESS, "contract", "yes_no", False, 0,
        "Active terms for which notice of cancellation was given.",
        "subscriptions", (0, 1), (100, 0), 2,
        "Notice of cancellation given", "No notice given",
    ),
    Indicator(
        "business.days_to_renewal", "Days to the next decision", D.BUSINESS, "contract", "days", True, 365,
        "Days until the first active term ends that does not renew by itself (or has notice given); 365 where there is "
        "none; below zero when every term has run out.",
        "subscriptions", (0, 30, 90, 180), (10, 45, 75, 100), 3,
        "A term ends in {v:.0f} day{s}", "A term ends today", "The last term ran out {v:.0f} day{s} ago",
    ),
    Indicator(
        "business.adverse_news_90d", "Adverse company news", D.BUSINESS, "company", "count", False, 90,
        "News of layoffs, acquisition, change of leadership, restructuring or a competitor in the last 90 days.",
        "company_events", (0, 1, 3), (100, 55, 0), 1,
        "{v:.0f} piece{s} of adverse company news in 90 days", "No adverse company news in 90 days",
    ),
)  # fmt: skip
