"""Values of the satisfaction and support indicators."""

import numpy as np

from scoring.engine.values.base import (
    Floats,
    Formula,
    Raw,
    needs,
    ratio,
    seen_days,
    zero_if_silent,
)

SPIKE_DAYS = 30  # of tickets that are held against the usual
MIN_BASELINE_DAYS = 60


def nps_latest(raw: Raw) -> Floats:
    return ratio(raw["surveys.nps_sum"], raw["surveys.nps_count"])


def csat_90d(raw: Raw) -> Floats:
    total = zero_if_silent(raw["tickets.csat_sum_90"]) + zero_if_silent(raw["surveys.csat_sum_90"])
    count = zero_if_silent(raw["tickets.csat_count_90"]) + zero_if_silent(raw["surveys.csat_count_90"])
    return ratio(total, count)


def satisfaction_change(raw: Raw) -> Floats:
    """Ratings arrive as whole parts of 120, so that sums are exact; the answer is in points of 100."""

    def part(window: str) -> tuple[Floats, Floats]:
        total = zero_if_silent(raw[f"tickets.rating_sum_{window}"]) + zero_if_silent(
            raw[f"surveys.rating_sum_{window}"]
        )
        count = zero_if_silent(raw[f"tickets.rating_count_{window}"]) + zero_if_silent(
            raw[f"surveys.rating_count_{window}"]
        )
        return ratio(total, count), count

    (now, now_count), (before, before_count) = part("now"), part("before")
    return needs((now_count >= 2) & (before_count >= 2), (now - before) / 1.2)


def ticket_spike(raw: Raw) -> Floats:
    """The window is both stretches: 30 days that are now, and what the usual is taken from."""
    baseline = raw["window.satisfaction.ticket_spike"] - SPIKE_DAYS
    observed = np.minimum(seen_days(raw, "tickets") - SPIKE_DAYS, baseline)
    usual = zero_if_silent(raw["tickets.opened_before"]) * SPIKE_DAYS / np.maximum(observed, 1.0)
    now = zero_if_silent(raw["tickets.opened_30"])
    return needs(observed >= MIN_BASELINE_DAYS, (now + 1.0) / (usual + 1.0))


def resolution_days(raw: Raw) -> Floats:
    return needs(raw["tickets.closed_90"] >= 2, raw["tickets.resolution_seconds"] / 86_400.0)


def nps_change(raw: Raw) -> Floats:
    now = ratio(raw["surveys.nps_after_sum"], raw["surveys.nps_after_count"])
    return now - ratio(raw["surveys.nps_before_sum"], raw["surveys.nps_before_count"])


def nps_silence(raw: Raw) -> Floats:
    """Silence means something only where anybody was asked: a tenant without NPS has no such silence."""
    ago = raw["surveys.nps_ago"]
    most = raw["window.satisfaction.nps_silence"]
    quiet = np.minimum(np.where(np.isnan(ago), seen_days(raw, "surveys"), ago), most)
    return needs(np.full(len(ago), not np.isnan(ago).all()), quiet)


def tone(raw: Raw, name: str, least: int) -> Floats:
    """Weighted mean of compound scores, which come in ten-thousandths; needs `least` texts with a known word."""
    mean = ratio(raw[f"texts.{name}_sum"], raw[f"texts.{name}_weight"]) / 10_000.0
    return needs(raw[f"texts.{name}_count"] >= least, mean)


FORMULAS: dict[str, Formula] = {
    "satisfaction.nps_latest": nps_latest,
    "satisfaction.csat_90d": csat_90d,
    "satisfaction.change": satisfaction_change,
    "satisfaction.ticket_spike": ticket_spike,
    "satisfaction.open_escalations": lambda raw: zero_if_silent(raw["tickets.escalations_open"]),
    "satisfaction.slow_replies": lambda raw: ratio(raw["tickets.slow_90"], raw["tickets.answerable_90"]),
    "satisfaction.escalations_90d": lambda raw: zero_if_silent(raw["tickets.escalations_90"]),
    "satisfaction.backlog": lambda raw: zero_if_silent(raw["tickets.backlog"]),
    "satisfaction.resolution_days": resolution_days,
    "satisfaction.nps_change": nps_change,
    "satisfaction.nps_silence": nps_silence,
    "satisfaction.ces_180d": lambda raw: ratio(raw["surveys.ces_sum"], raw["surveys.ces_count"]),
    "satisfaction.text_sentiment_90d": lambda raw: tone(raw, "text", 3),
    "satisfaction.comment_sentiment_180d": lambda raw: tone(raw, "comment", 1),
}
NEWEST: dict[str, str] = {
    "satisfaction.nps_latest": "surveys.nps_ago",
    "satisfaction.nps_change": "surveys.nps_ago",
    "satisfaction.nps_silence": "surveys.nps_ago",
    "satisfaction.ces_180d": "surveys.ces_ago",
    "satisfaction.open_escalations": "tickets.escalated_ago",
}
