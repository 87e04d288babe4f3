"""Money and contract: payment, terms, news of the company."""

from scoring.catalogue.base import Dimension, Indicator

D = Dimension
BUSINESS: tuple[Indicator, ...] = (
    Indicator(
        "business.overdue_days", "Days overdue", D.BUSINESS, "payment", "days", False, 0,
        "Days that the oldest unpaid invoice is past its due date.",
        "invoices", (0, 10, 30, 60), (100, 70, 30, 0), 1,
        "Oldest unpaid invoice is {v:.0f} day{s} overdue", "No invoice is overdue",
        no_window="it looks at what is unpaid on the day, however old",
    ),
    Indicator(
        "business.late_payments", "Late payments", D.BUSINESS, "payment", "share", False, 365,
        "Of the invoices that fell due in the last 365 days, at least 5 days ago: the share paid, or still unpaid, "
        "more than 5 days late. Needs 2 invoices.",
        "invoices", (0, 0.25, 0.5, 1), (100, 70, 35, 0), 2,
        "{pct:.0f}% of invoices paid more than 5 days late", "Invoices were paid on time for {span}",
        shortest=60,
    ),
    Indicator(
        "business.notice_given", "Notice given", D.BUSINESS, "contract", "yes_no", False, 0,
        "Active terms for which notice of cancellation was given.",
        "subscriptions", (0, 1), (100, 0), 2,
        "Notice of cancellation given", "No notice given",
        no_window="it looks at the terms that are active on the day",
    ),
    Indicator(
        "business.days_to_renewal", "Days to the next decision", D.BUSINESS, "contract", "days", True, 365,
        "Days until the first active term ends that does not renew by itself (or has notice given); 365 where there is "
        "none; below zero when every term has run out.",
        "subscriptions", (0, 30, 90, 180), (10, 45, 75, 100), 2,
        "A term ends in {v:.0f} day{s}", "A term ends today", "The last term ran out {v:.0f} day{s} ago",
        no_window="it looks ahead to the end of a term; 365 days is where it stops to count",
    ),
    Indicator(
        "business.adverse_news_90d", "Adverse company news", D.BUSINESS, "company", "count", False, 90,
        "News of layoffs, acquisition, change of leadership, restructuring or a competitor in the last 90 days.",
        "company_events", (0, 1, 3), (100, 55, 0), 1,
        "{v:.0f} piece{s} of adverse company news in {days} days", "No adverse company news in {days} days",
    ),
    Indicator(
        "business.arrears_share", "Amount overdue", D.BUSINESS, "payment", "share", False, 0,
        "What is overdue on unpaid invoices, divided by the ARR of the active terms. Different currencies meet through "
        "the day's rates; no value where one is missing.",
        "invoices", (0, 0.02, 0.1, 0.25), (100, 70, 30, 0), 1,
        "{pct:.0f}% of the ARR is overdue", "Nothing is overdue",
        no_window="it looks at what is unpaid on the day, however old",
    ),
    Indicator(
        "business.price_change", "Change of price", D.BUSINESS, "price", "change", False, 365,
        "Price of the largest active term a seat (its ARR where seats are not known), against the term of the same "
        "product a year ago, or the one before it where that is longer ago.",
        "subscriptions", (-0.1, 0, 0.05, 0.1, 0.25), (100, 80, 65, 45, 10), 0,
        "Price up {pct:.0f}% on the earlier term", "Price as in the earlier term",
        "Price down {pct:.0f}% on the earlier term", shortest=30, longest=1095,
    ),
    Indicator(
        "business.discount", "Discount", D.BUSINESS, "price", "share", False, 0,
        "How far the ARR of the largest active term lies below its list price. Below zero: above the list.",
        "subscriptions", (0, 0.15, 0.3, 0.5), (80, 65, 45, 20), 0,
        "{pct:.0f}% below the list price", "At the list price", "{pct:.0f}% above the list price",
        no_window="it is a price of the day",
    ),
    Indicator(
        "business.seats_change", "Change of seats", D.BUSINESS, "contract", "change", True, 365,
        "Seats of the active terms, against the terms of the same products a year ago, or the ones before where that "
        "is longer ago. Products without an earlier term are left out.",
        "subscriptions", (-0.3, -0.1, 0, 0.1, 0.25), (0, 35, 65, 85, 100), 0,
        "{pct:.0f}% more seats than before", "As many seats as before", "{pct:.0f}% fewer seats than before",
        shortest=30, longest=1095,
    ),
    Indicator(
        "business.auto_renew", "Renews by itself", D.BUSINESS, "contract", "yes_no", True, 0,
        "Whether every active term renews by itself; a term with notice given does not.",
        "subscriptions", (0, 1), (50, 100), 0,
        "Every term renews by itself", "A term does not renew by itself",
        no_window="it looks at the terms that are active on the day",
    ),
    Indicator(
        "business.contract_length", "Length of the contract", D.BUSINESS, "contract", "months", True, 0,
        "Months of the largest active term; from its days, at 30.44 a month, where they are not given.",
        "subscriptions", (1, 6, 12, 24, 36), (45, 55, 65, 85, 100), 0,
        "The main term runs for {v:.0f} month{s}", no_window="it is the length of a term, not a time that is looked at",
    ),
    Indicator(
        "business.downgrades_365d", "Downgrades", D.BUSINESS, "contract", "count", False, 365,
        "Times that the contract was made smaller in the last 365 days.",
        "outcomes", (0, 1, 2), (100, 35, 0), 1,
        "{v:.0f} downgrade{s} in {days} days", "No downgrade in {days} days",
    ),
    Indicator(
        "business.contract_value", "Contract value", D.BUSINESS, "contract", "share", True, 0,
        "Share of the customers with a known ARR whose ARR, by the day's rates, is lower. A place, not the amount, "
        "because not everybody may see that.",
        "subscriptions", (0, 1), (50, 100), 0,
        "A larger contract than {pct:.0f}% of the customers", "The smallest contract",
        no_window="it compares what customers pay on the day",
    ),
    Indicator(
        "business.room_to_grow", "Room to grow", D.BUSINESS, "growth", "share", True, 0,
        "Share of the company's employees without a seat: 1 - seats / employees, zero at least.",
        "subscriptions", (0, 0.5, 1), (50, 75, 100), 0,
        "{pct:.0f}% of the employees have no seat", "Every employee has a seat",
        no_window="it compares seats and employees of the day",
    ),
    Indicator(
        "business.layoffs_180d", "Layoffs", D.BUSINESS, "company", "count", False, 180,
        "News of layoffs at the customer in the last 180 days.",
        "company_events", (0, 1, 3), (100, 45, 0), 0,
        "{v:.0f} report{s} of layoffs in {days} days", "No layoffs in {days} days",
    ),
    Indicator(
        "business.leadership_change_180d", "Change of leadership", D.BUSINESS, "company", "count", False, 180,
        "News of a change of leadership at the customer in the last 180 days.",
        "company_events", (0, 1, 3), (100, 55, 0), 0,
        "{v:.0f} change{s} of leadership in {days} days", "No change of leadership in {days} days",
    ),
    Indicator(
        "business.competitor_news_180d", "Competitor in the news", D.BUSINESS, "company", "count", False, 180,
        "News that name the customer together with a competitor in the last 180 days.",
        "company_events", (0, 1, 3), (100, 45, 0), 0,
        "{v:.0f} report{s} with a competitor in {days} days", "No competitor in the news in {days} days",
    ),
    Indicator(
        "business.competitor_mentions_90d", "Competitors named", D.BUSINESS, "outside", "count", False, 90,
        "Tickets, their resolutions, incoming mails, notes of calls and meetings and survey comments of the last 90 "
        "days that name a competitor of the list in the admin, as a whole word.",
        "competitors", (0, 1, 3), (100, 45, 0), 0,
        "{names} named in {v:.0f} text{s} of {days} days", "No competitor named in {days} days",
        names="competitors.mentioned_names",
    ),
)  # fmt: skip
