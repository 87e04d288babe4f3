"""The playbooks that every tenant starts with. They are copied into rows; from then on the tenant's are its own."""

from dataclasses import dataclass, field
from typing import Any

NEEDING_CARE = ("critical", "at_risk", "watch")


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
)
