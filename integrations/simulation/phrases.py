"""What customers write to support, and what support writes back: parts that combine into many readable texts."""

from __future__ import annotations

import numpy as np

from .clock import Ints, Words
from .tables import words

BAD, FLAT, GOOD = 0, 1, 2
CATEGORIES = words(("bug", "question", "performance", "integration", "billing", "access"))
BUG, QUESTION, PERFORMANCE, INTEGRATION, BILLING, ACCESS = range(6)

FEATURES = words(
    (
        "saved views", "the import", "the nightly export", "approval steps", "the calendar", "bulk editing",
        "the weekly report", "the customer list", "shared boards", "the mobile view", "search", "the audit trail",
        "record templates", "the stock dashboard",
    )
)  # fmt: skip

# Subject and opening fact by category; {f} stands for a feature.
_FACTS: dict[int, tuple[tuple[str, str], ...]] = {
    BUG: (
        (
            "Wrong figures in {f}",
            "Since this morning {f} shows totals that do not match the records underneath.",
        ),
        (
            "{f} loses changes",
            "We edit a record through {f}, press save, and the old text is back after a refresh.",
        ),
        ("Error page when opening {f}", "Opening {f} ends on an error page for about half of our team."),
        ("{f} stuck at loading", "The spinner on {f} never stops unless we sign out and in again."),
        ("Duplicates after using {f}", "Every record that went through {f} yesterday now exists twice."),
    ),
    QUESTION: (
        ("How do we set up {f}?", "We would like a second team to use {f} and are not sure where to begin."),
        ("Best way to organise {f}", "Is there a recommended way to arrange {f} for several departments?"),
        ("Can {f} be limited to one team?", "Only the planners should see {f}. Which setting does that?"),
        ("Training material for {f}", "Do you have a short guide to {f} that we can hand to new colleagues?"),
    ),
    PERFORMANCE: (
        ("{f} very slow", "It takes well over a minute before {f} answers, mostly before noon."),
        ("Time-outs in {f}", "Larger selections in {f} run into a time-out and we have to start over."),
        ("{f} slower since the update", "After the last release {f} needs three times as long as before."),
    ),
    INTEGRATION: (
        ("Sync skips records from {f}", "Some of what we enter through {f} never reaches our CRM."),
        ("Webhook silent for {f}", "Our endpoint has not been called for {f} since Tuesday."),
        ("API returns 500 for {f}", "Requests for {f} fail with status 500 about once in twenty."),
        ("Import of {f} rejected", "The file for {f} is refused although it has not changed in months."),
    ),
    BILLING: (
        ("Question about our invoice", "The latest invoice lists more seats than we have people using {f}."),
        (
            "Price on the new quote",
            "The quote for next year is higher, and nobody explained what {f} now costs.",
        ),
        (
            "Wrong purchase order number",
            "The invoice carries last year's order number, so it cannot be paid.",
        ),
    ),
    ACCESS: (
        ("Colleague cannot open {f}", "A new colleague is refused at {f} although the role looks right."),
        ("Single sign-on loop", "After signing in we are sent back to the login page instead of {f}."),
        ("Invitation never arrived", "Three people who should work with {f} did not get their invitation."),
    ),
}

_GREETINGS = words(
    ("Hello,", "Hi team,", "Good morning,", "Hi,", "Dear support,", "", "Hello everybody,", "")
)
_IMPACTS: dict[int, Words] = {
    BAD: words(
        (
            "This is the third time this month and we are losing patience.",
            "Our people have gone back to spreadsheets because they no longer trust it.",
            "Management is asking me why we pay for this at all.",
            "We reported the same thing weeks ago and nothing has changed.",
            "Month-end is blocked and I have no answer for our director.",
            "Frankly, we are disappointed. This used to work.",
            "If it cannot be made reliable we will have to look at other options.",
            "Half a day of work was lost, again.",
        )
    ),
    FLAT: words(
        (
            "It affects about {n} people on our side.",
            "There is a workaround, but it costs us some time.",
            "Not urgent, but we would like to understand it.",
            "It started around {n} days ago as far as we can tell.",
            "We tried two browsers with the same result.",
            "Our next review is in {n} days and we would like it settled by then.",
            "I attach nothing for now, tell me what you need.",
        )
    ),
    GOOD: words(
        (
            "Otherwise everything runs nicely, by the way.",
            "The team likes the last release a lot.",
            "No hurry at all, you were very quick the last time.",
            "We want to roll it out to {n} more people, hence the question.",
            "It saves us hours each week, so we want to use it properly.",
            "Thanks again for the help with the previous request.",
        )
    ),
}
# A question comes with its reason, not with damage done.
_REASONS = words(
    (
        "We are {n} people on that team and would like to start next week.",
        "A colleague asked me {n} days ago and I could not answer.",
        "I found a help article, but it seems to describe an older version.",
        "We would rather ask before we set it up the wrong way.",
        "It came up in our last team meeting.",
        "I am new in this role, so forgive me if this is obvious.",
    )
)
_CLOSINGS: dict[int, Words] = {
    BAD: words(
        (
            "Please escalate this today.",
            "I expect a call, not another standard reply.",
            "When will this finally be solved?",
            "We need a date.",
            "Please treat this as serious.",
        )
    ),
    FLAT: words(
        (
            "Could you have a look?",
            "What do you suggest?",
            "Please let us know what to check.",
            "Thank you.",
            "Kind regards",
        )
    ),
    GOOD: words(
        ("Many thanks!", "Thanks, you are great.", "Looking forward to your hint.", "Have a good week!")
    ),
}
_RESOLUTIONS: dict[int, Words] = {
    BUG: words(
        (
            "Fixed in the release of that week; the affected records were put right.",
            "A cache held old values. Cleared it and added a check.",
            "Reproduced and mended; the customer confirmed.",
            "Could not be reproduced; closed after two reminders.",
        )
    ),
    QUESTION: words(
        (
            "Sent the guide and a short recording.",
            "Explained the setting over the phone.",
            "Pointed to the help article; the customer was happy with it.",
        )
    ),
    PERFORMANCE: words(
        (
            "Moved the workspace to a larger node.",
            "Added an index; response time is back to two seconds.",
            "Advised to split the board by team.",
        )
    ),
    INTEGRATION: words(
        (
            "Renewed the token and replayed what had been missed.",
            "Raised the field limit and ran the sync again.",
            "The file used another separator; explained and imported it together.",
        )
    ),
    BILLING: words(
        (
            "Corrected the invoice and sent a new one.",
            "Went through the price list with the customer.",
            "Issued a credit for the unused seats.",
        )
    ),
    ACCESS: words(
        (
            "The role lacked one permission; added it.",
            "Certificate had expired; replaced with the customer's administrator.",
            "Released the invitations from the mail filter.",
        )
    ),
}


def ticket_texts(category: Ints, feeling: Ints, rng: np.random.Generator) -> tuple[Words, Words]:
    """A subject and a body for each ticket, fitting its category and how the writer feels."""
    count = len(category)
    subject = np.empty(count, dtype=object)
    body = np.empty(count, dtype=object)
    for kind, facts in _FACTS.items():
        mine = np.flatnonzero(category == kind)
        pick = rng.integers(0, len(facts) * len(FEATURES), len(mine))
        subject[mine], body[mine] = _subjects(facts)[pick], _openings(facts)[pick]
    greeting = _GREETINGS[rng.integers(0, len(_GREETINGS), count)]
    numbers = words(str(number) for number in rng.integers(2, 31, count))
    impact = _by_feeling(_IMPACTS, feeling, rng)
    asks = (category == QUESTION) & (feeling == FLAT)
    impact = fill_number(np.where(asks, _REASONS[rng.integers(0, len(_REASONS), count)], impact), numbers)
    closing = _by_feeling(_CLOSINGS, feeling, rng)
    short = rng.random(count) < 0.18
    whole = words(
        (f"{hello}\n\n" if hello else "") + (what if brief and how != BAD else f"{what} {so}\n\n{bye}")
        for hello, what, so, bye, brief, how in zip(
            greeting, body, impact, closing, short, feeling, strict=True
        )
    )
    return subject, whole


def resolution_texts(category: Ints, rng: np.random.Generator) -> Words:
    """What support noted when it closed each ticket."""
    out = np.empty(len(category), dtype=object)
    for kind, notes in _RESOLUTIONS.items():
        mine = np.flatnonzero(category == kind)
        out[mine] = notes[rng.integers(0, len(notes), len(mine))]
    return out


def fill_number(texts: Words, numbers: Words) -> Words:
    """The texts with {n} replaced."""
    return words(text.replace("{n}", number) for text, number in zip(texts, numbers, strict=True))


def _by_feeling(bank: dict[int, Words], feeling: Ints, rng: np.random.Generator) -> Words:
    out = np.empty(len(feeling), dtype=object)
    for level, texts in bank.items():
        mine = np.flatnonzero(feeling == level)
        out[mine] = texts[rng.integers(0, len(texts), len(mine))]
    return out


def _subjects(facts: tuple[tuple[str, str], ...]) -> Words:
    plain = (subject.format(f=feature) for subject, _ in facts for feature in FEATURES)
    return words(text[0].upper() + text[1:] for text in plain)


def _openings(facts: tuple[tuple[str, str], ...]) -> Words:
    return words(fact.format(f=feature) for _, fact in facts for feature in FEATURES)
