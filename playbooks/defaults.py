"""The playbooks that every tenant starts with. They are copied into rows; from then on the tenant's are its own."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

NEEDING_CARE = ("critical", "at_risk", "watch")
EVERY_BAND = (*NEEDING_CARE, "healthy")


@dataclass(frozen=True)
class Step:
    title: str
    due_days: int
    details: str = ""
    kind: str = "task"
    defaults: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    key: str
    name: str
    summary: str
    indicators: tuple[str, ...]
    steps: tuple[Step, ...]
    score_below: int = 40
    bands: tuple[str, ...] = NEEDING_CARE
    on: str = "low"
    type: str = "risk"
    days: int | None = None  # renewal: at most so many to the end of the main term
    chance_below: Decimal | None = None  # renewal: where a chance to renew is known, only below this
    level: str = ""  # risk: the level that it has to reach


def concession(title: str, due_days: int, details: str, *, discount_pct: int, months: int) -> Step:
    return Step(title, due_days, details, "concession", {"discount_pct": discount_pct, "months": months})


# In the order in which they are tried. A wave of tickets comes first: it is the shortest-lived and the most certain.
PLAYBOOKS = (
    Template(
        key="support_recovery",
        name="Support recovery",
        summary="Too many open or escalated tickets: get them solved, say so, and make good what they cost.",
        indicators=(
            "satisfaction.ticket_spike",
            "satisfaction.open_escalations",
            "satisfaction.slow_replies",
        ),
        steps=(
            Step(
                "Go through the open tickets with support",
                1,
                "Agree an owner and a date for each one. Ask for the cause where several say the same.",
            ),
            Step(
                "Call the contact who reported most",
                2,
                "Say what is being done and until when. Ask what the trouble stopped them from doing.",
            ),
            concession(
                "Offer a service credit",
                5,
                "Only when tickets stayed open past what was promised. A short credit, not a new price.",
                discount_pct=5,
                months=3,
            ),
            Step(
                "Confirm that the tickets are solved",
                10,
                "With the person who reported them, not only in the system.",
            ),
            Step("Look at the account again", 21, "Did the tickets stop, and did satisfaction come back?"),
        ),
    ),
    Template(
        key="usage_recovery",
        name="Usage recovery",
        summary="People use the product less: find out who stopped and why, and get them back to work with it.",
        indicators=("usage.*",),
        steps=(
            Step(
                "Find out who stopped using it",
                2,
                "Compare the last weeks by product and by person. Name the two or three uses that fell most.",
            ),
            Step(
                "Talk to the champion about what changed",
                5,
                "New people, a new process, another tool, or something that does not work? Write down their words.",
            ),
            Step(
                "Run a working session with the team",
                12,
                "On their own data, on the uses that fell. End with one thing that they do differently next week.",
            ),
            concession(
                "Offer a lower price for the months of recovery",
                14,
                "Only when they pay for seats that stand empty, and against a plan to use them again.",
                discount_pct=10,
                months=6,
            ),
            Step(
                "Look at usage again",
                30,
                "Compare with the weeks before. Close the play with what came of it.",
            ),
        ),
    ),
    Template(
        key="sentiment_decline",
        name="Sentiment decline",
        summary="They rate us worse than before: hear them out, mend what can be mended, and tell them.",
        indicators=("satisfaction.nps*", "satisfaction.csat*", "satisfaction.change"),
        steps=(
            Step(
                "Read what they wrote",
                1,
                "Answers, tickets and calls of the last weeks. Note the two complaints that come up most.",
            ),
            Step(
                "Call those who rated us low",
                3,
                "Ask, listen, promise nothing yet. Thank them for saying it.",
            ),
            Step(
                "Agree what we will change, with dates",
                7,
                "With the teams that have to do it. Only what will really happen.",
            ),
            concession(
                "Offer a gesture on the renewal",
                10,
                "Only where something went wrong on our side. Say what it is for.",
                discount_pct=10,
                months=12,
            ),
            Step("Ask again", 30, "Tell them what changed and ask how it is now."),
        ),
    ),
    Template(
        key="champion_change",
        name="New champion",
        summary="The champion left, is about to, or has gone silent: find out who follows, and win them.",
        indicators=("stakeholders.champion_vulnerability",),
        steps=(
            Step(
                "Find out who follows",
                2,
                "Ask the champion if they are still there, else their manager. Write down who decides now.",
            ),
            Step(
                "Meet the new person",
                7,
                "What do they have to reach this year? Show what was reached so far, in their figures.",
            ),
            Step(
                "Win a second person",
                21,
                "Of another team, so that the account does not hang on one again.",
            ),
            Step(
                "Enter the new champion",
                30,
                "With name, role and day, on the account page. Without one, say so and why.",
            ),
        ),
    ),
    # good news: offered where nothing else is asked for
    Template(
        key="expansion_talk",
        name="Expansion conversation",
        summary="It goes better with them and they show a sign that they may buy more: talk while it is fresh.",
        indicators=("improved.sign",),
        bands=("healthy", "watch"),
        on="improved",
        type="expansion",
        steps=(
            Step(
                "Look at the sign and at what changed",
                2,
                "Which product or seats, who uses them, and what got better. The page Growth has the figures.",
            ),
            Step(
                "Agree with the account executive who talks",
                4,
                "One of you, with one question: what would more of it do for them?",
            ),
            Step(
                "Have the conversation",
                14,
                "Begin with what they reached. No offer before they have said what they need.",
            ),
            Step("Write down what came of it", 21, "A need with a date, or that there is none now."),
        ),
    ),
    Template(
        key="reference_request",
        name="Ask for a reference",
        summary="It goes clearly better with them: ask whether they would say so to others.",
        indicators=("improved.health", "improved.chance"),
        bands=("healthy",),
        on="improved",
        type="lifecycle",
        steps=(
            Step(
                "Find out what got better, in their figures",
                3,
                "Reached objectives, solved tickets, growing use. Check that nothing is open that would spoil it.",
            ),
            Step(
                "Ask the champion",
                7,
                "A call with another customer, a quote, or a story. Take a no as an answer.",
            ),
            Step("Agree what is used, and where", 14, "In writing, with the person who may allow it."),
            Step("Thank them and show the result", 30, "Tell them what came of it."),
        ),
    ),
    # begun by the date or by a chance, not by an indicator
    Template(
        key="risk_review",
        name="Risk review",
        summary="Their chance of leaving has risen clearly: find out whether it is so, and why, while there is time.",
        indicators=(),
        bands=EVERY_BAND,
        on="risk",
        level="high",
        steps=(
            Step(
                "Read what goes with the chance",
                1,
                "The reasons on the account page with their rows, and the brief. Report what is wrong in them.",
            ),
            Step(
                "Ask those who know the account",
                3,
                "Account executive, support, services: what does the data not say? Write it down.",
            ),
            Step(
                "Talk to the customer",
                7,
                "To the champion and to somebody else. Ask how it goes, not whether they leave.",
            ),
            Step(
                "Decide what is done",
                10,
                "A play for the cause that you found, or a note why none is needed.",
            ),
            Step("Look at the chance again", 30, "Did it fall, and did what went with it change?"),
        ),
    ),
    Template(
        key="renewal_check",
        name="Early renewal check",
        summary="The renewal is half a year away and not safe: while there is time, find out what would make it so.",
        indicators=(),
        bands=NEEDING_CARE,  # where no chance is known
        on="renewal",
        type="renewal",
        days=180,
        chance_below=Decimal("0.800"),
        steps=(
            Step(
                "Read the brief",
                3,
                "Goals that are not reached, escalations, price history, who decides. Note the two or three doubts.",
            ),
            Step(
                "Agree with the account executive what has to be true by the renewal",
                10,
                "In the customer's figures, with a date and an owner each.",
            ),
            Step(
                "Meet the sponsor",
                30,
                "Is this still what they bought it for? Who will decide, and when does their budget close?",
            ),
            Step(
                "Look at what was agreed",
                60,
                "What is reached, what is not? The renewal plan begins at 120 days.",
            ),
        ),
    ),
    Template(
        key="renewal_plan",
        name="Renewal plan",
        summary="The main term ends within four months: agree who does what until it is signed.",
        indicators=(),
        bands=EVERY_BAND,
        on="renewal",
        type="renewal",
        days=120,
        steps=(
            Step(
                "Read the negotiation brief",
                3,
                "Terms, notice days, price history, goals reached. Check the last day on which notice can be given.",
            ),
            Step(
                "Agree roles with the account executive",
                7,
                "Who speaks to whom, what is asked for, and what would be given for it.",
            ),
            Step(
                "Review what was reached with the customer",
                21,
                "In their figures, with the sponsor there. End with what the next term is for.",
            ),
            concession(
                "Offer terms for the renewal",
                45,
                "Only where the price stands in the way, and for something in return: a longer term, a reference.",
                discount_pct=5,
                months=12,
            ),
            Step(
                "Have it signed, or know why not", 90, "Before the notice period ends, not at the last day."
            ),
        ),
    ),
)
