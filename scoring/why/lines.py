"""Lines of the account's timeline for what indicators read: competitors that were named, tone of texts, ratings.

A line gives the row that was read and never its text. Names switched off in the admin give no line, as they count for
no indicator; tones are those of the word list in use, where it knew a word. Ratings are those of tickets and surveys
together, a ticket's on the day that it was closed, from which on it counts.
"""
# ruff: noqa: S608  the parts are constants of this file

from accounts.timeline import Branch, register, register_group
from scoring.sentiment import VERSION
from scoring.why import moved

_ROW = "CASE WHEN t.subject <> '' THEN ': ' || t.subject ELSE '' END"
_MENTIONS = """(
    SELECT m.id, m.tenant_id, m.account_id, m.at, c.name, m.kind, c.is_active,
           coalesce(k.external_id, a.external_id, s.external_id, '') AS external_id,
           coalesce(k.subject, a.subject, '') AS subject, a.kind AS activity, s.kind AS survey
      FROM scoring_competitormention m
      JOIN scoring_competitor c ON c.tenant_id = m.tenant_id AND c.id = m.competitor_id
      LEFT JOIN accounts_ticket k
             ON k.tenant_id = m.tenant_id AND k.id = m.row_id AND m.kind IN ('ticket', 'resolution')
      LEFT JOIN accounts_activity a ON a.tenant_id = m.tenant_id AND a.id = m.row_id AND m.kind = 'activity'
      LEFT JOIN accounts_survey s ON s.tenant_id = m.tenant_id AND s.id = m.row_id AND m.kind = 'survey'
)"""
_WHERE = (
    "CASE t.kind WHEN 'ticket' THEN 'ticket ' || t.external_id WHEN 'resolution' THEN 'the resolution of ticket ' "
    "|| t.external_id WHEN 'survey' THEN upper(t.survey) || ' comment' ELSE replace(t.activity, '_', ' ') END"
)
# kind of a reading: the table of its rows, their time, and what a line calls them
_READ = {
    "ticket": ("accounts_ticket", "opened_at", f"'Ticket ' || t.external_id || {_ROW}"),
    "activity": ("accounts_activity", "occurred_at", f"initcap(replace(t.kind, '_', ' ')) || {_ROW}"),
    "survey": ("accounts_survey", "responded_at", "upper(t.kind) || ' ' || t.score"),
}
_TONE = (
    "'Tone ' || replace(to_char(t.compound / 10000.0, 'FMSG0.00'), '-', '−') || CASE WHEN t.compound <= -500 "
    "THEN ', negative' WHEN t.compound >= 500 THEN ', positive' ELSE ', neutral' END || ' on a scale from −1 to +1'"
)
_SCALE = "CASE t.kind WHEN 'nps' THEN 10 WHEN 'ces' THEN 7 ELSE 5 END"
# kind of a line: its table, its time, its words, and which rows have a rating
_RATED = {
    "rating_ticket": (
        "accounts_ticket",
        "closed_at",
        f"'CSAT ' || t.csat || ' of 5: ticket ' || t.external_id || {_ROW}",
        "'Ticket closed'",
        "t.csat IS NOT NULL AND t.closed_at IS NOT NULL",
    ),
    "rating_survey": (
        "accounts_survey",
        "responded_at",
        f"upper(t.kind) || ' ' || t.score || ' of ' || {_SCALE}",
        "'Survey'",
        "true",
    ),
}


def register_lines() -> None:
    """Called once at start-up."""
    register_group(moved.GROUP)
    register(
        Branch("mention", "Competitors", "flag", _MENTIONS, "at", f"t.name || ' named in ' || {_WHERE}",
               "coalesce(nullif(t.subject, ''), 'Competitor')", where="t.is_active")
    )  # fmt: skip
    for kind, (table, at, text) in _READ.items():
        rows = (
            f"(SELECT e.*, r.compound FROM {table} e JOIN scoring_textreading r ON r.tenant_id = e.tenant_id "
            f"AND r.row_id = e.id AND r.kind = '{kind}' AND r.version = '{VERSION}' AND r.confidence > 0)"
        )
        register(Branch(f"tone_{kind}", "Tone", "talk", rows, at, text, _TONE, only_alone=True))
    for kind, (table, at, text, detail, where) in _RATED.items():
        register(Branch(kind, "Ratings", "flag", table, at, text, detail, where=where, only_alone=True))
