"""Sixteen factors that other tools name, and the indicators that measure each here."""

FACTORS: dict[str, tuple[str, ...]] = {
    "loginFrequency": ("usage.login_frequency", "usage.days_since_last"),
    "featureAdoption": ("usage.breadth", "usage.features_abandoned"),
    "dataVolume": ("usage.data_trend",),
    "apiUsage": ("usage.api_trend",),
    "supportTickets": ("satisfaction.ticket_spike", "satisfaction.backlog"),
    "trainingCompleted": ("engagement.trainings_365d",),
    "communityParticipation": (
        "engagement.community_posts", "engagement.docs_contributions", "engagement.talks", "engagement.beta_programs",
    ),
    "feedbackProvided": ("satisfaction.feedback_365d",),
    "contractValue": ("business.contract_value",),
    "paymentHistory": ("business.late_payments", "business.overdue_days", "business.arrears_share"),
    "expansionPotential": ("business.room_to_grow", "usage.active_users_per_seat", "business.seats_change"),
    "renewalDate": ("business.days_to_renewal",),
    "npsScore": ("satisfaction.nps_latest", "satisfaction.nps_change"),
    "csatScore": ("satisfaction.csat_90d",),
    "surveyResponses": ("satisfaction.answers_365d", "satisfaction.nps_silence"),
    "escalations": ("satisfaction.open_escalations", "satisfaction.escalations_90d"),
}  # fmt: skip
