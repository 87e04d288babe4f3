"""What people say in mails, calls and meetings: parts that combine into many readable texts."""

from __future__ import annotations

import numpy as np

from .clock import Ints, Words
from .phrases import BAD, FLAT, GOOD
from .tables import words

_TOPICS = words(
    (
        "the import", "the approval flow", "the dashboards", "user training", "the CRM sync", "the quarterly goals",
        "the new release", "permissions", "the roll-out to a second team", "data quality", "the contract",
        "the support cases", "reporting", "the mobile app",
    )
)  # fmt: skip

OUTBOUND_SUBJECTS = words(
    (
        "Next steps on {t}",
        "Following up: {t}",
        "A short call about {t}?",
        "Idea for {t}",
        "News on {t}",
        "Notes on {t}",
    )
)
OUTBOUND_BODIES = words(
    (
        "Hello, I looked at {t} on your side and have two suggestions. When would half an hour suit you?",
        "Hi, as promised a summary of where we are with {t}. Please correct me where I am wrong.",
        "Good morning, our last talk ended with {t}. Has anything moved since then?",
        "Hello, other customers of your size handle {t} differently. I would like to show you how.",
        "Hi, the new release changes {t} a little. The short version is on one page, attached.",
        "Hello, I have not heard from you in a while. Is {t} still on your list?",
    )
)
PRICE_SUBJECT = "Changes to our price list"
PRICE_BODIES = words(
    (
        "Hello, from your next term on the list price of your plan goes up. I would like to explain why.",
        "Dear customer, please find the new price list attached. It applies from your next renewal.",
    )
)
_REPLIES: dict[int, Words] = {
    BAD: words(
        (
            "Thanks, but {t} is the least of our worries. The open cases have to be solved first.",
            "To be honest, I cannot recommend it internally any more. {t} did not work out.",
            "We have been asked to cut costs and are comparing tools. {t} is on hold.",
            "I no longer have time for {t}. Please speak to my manager.",
            "We are disappointed about {t}. Please send us the notice period.",
        )
    ),
    FLAT: words(
        (
            "Thanks for the note on {t}. Next week suits me better.",
            "Fine with me. Please send the material on {t} beforehand.",
            "I have passed {t} on to a colleague, who will get back to you.",
            "No news about {t} yet, we are busy with other things.",
            "Could you send the link about {t} again?",
        )
    ),
    GOOD: words(
        (
            "Great, {t} works very well for us. The team is happy.",
            "Thank you! {t} saved us a lot of time last month, I told our director.",
            "We would like to do more with {t}. What would it take to add another team?",
            "Wonderful support as always. {t} is solved.",
        )
    ),
}
MEETING_SUBJECTS = words(("Check-in: {t}", "Working session on {t}", "Monthly sync: {t}", "Review of {t}"))
CALL_SUBJECTS = words(("Call about {t}", "Short call: {t}", "Callback: {t}"))
OTHER_SUBJECTS: dict[str, Words] = {
    "qbr": words(
        ("Business review", "Quarterly review with the sponsor", "Results and plan for the next quarter")
    ),
    "training": words(
        ("Training: first steps", "Training for administrators", "Refresher for new colleagues")
    ),
    "advisory_council": words(("Advisory council, spring round", "Advisory council: road map")),
    "planning_session": words(("Planning of the next half-year", "Success plan workshop")),
    "community_post": words(("Tip: our way to tidy boards", "Question on approvals", "Template to share")),
    "docs_contribution": words(("Correction to the import guide", "Example added to the API pages")),
    "conference_talk": words(("How we cut hand-overs in half", "Two years with shared boards")),
    "beta_program": words(("Joined the beta of the new flow builder", "Feedback on the beta dashboards")),
}
_NOTES: dict[int, Words] = {
    BAD: words(
        (
            "Tense mood. They asked about leaving the contract early.",
            "Sponsor did not show up for the second time.",
            "They mentioned a competing offer. Need an answer on price.",
            "Usage is down since the reorganisation, nobody owns the tool.",
        )
    ),
    FLAT: words(
        (
            "Nothing special, next talk in a month.",
            "Went through the list, three points stay open.",
            "New colleague introduced, needs a training.",
            "Asked for a reference in their industry.",
        )
    ),
    GOOD: words(
        (
            "Very good talk, they want to present their results at our user day.",
            "They plan to add a second team after the summer.",
            "Sponsor is convinced, renewal should be easy.",
        )
    ),
}


def about(bank: Words, topic: Ints, rng: np.random.Generator) -> Words:
    """A sentence of the bank for each topic."""
    pick = rng.integers(0, len(bank), len(topic)) * len(_TOPICS) + topic
    return np.asarray(_filled(bank)[pick])


def topics(count: int, rng: np.random.Generator) -> Ints:
    """What each conversation is about."""
    return rng.integers(0, len(_TOPICS), count)


def replies(feeling: Ints, topic: Ints, rng: np.random.Generator) -> Words:
    """What customers answer, by how they feel."""
    out = np.empty(len(feeling), dtype=object)
    for level, bank in _REPLIES.items():
        mine = np.flatnonzero(feeling == level)
        out[mine] = about(bank, topic[mine], rng)
    return out


def notes(feeling: Ints, rng: np.random.Generator) -> Words:
    """What the CSM wrote down after talking, by how the customer felt."""
    out = np.empty(len(feeling), dtype=object)
    for level, bank in _NOTES.items():
        mine = np.flatnonzero(feeling == level)
        out[mine] = bank[rng.integers(0, len(bank), len(mine))]
    return out


def _filled(bank: Words) -> Words:
    plain = (text.replace("{t}", topic) for text in bank for topic in _TOPICS)
    return words(text[0].upper() + text[1:] for text in plain)
