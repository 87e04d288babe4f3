"""Words and choices of what people say beside the scores, as they are stored and shown."""

from django.db import models


class Level(models.TextChoices):
    """How a CSM feels about an account, best first."""

    EXTREMELY_SATISFIED = "extremely_satisfied", "Extremely satisfied"
    VERY_SATISFIED = "very_satisfied", "Very satisfied"
    SATISFIED = "satisfied", "Satisfied"
    NEUTRAL = "neutral", "Neutral"
    AT_RISK = "at_risk", "At risk"
    SEVERE_RISK = "severe_risk", "Severe risk"


class SentimentReason(models.TextChoices):
    """The churn reasons of the vocabulary, and what speaks for an account."""

    PRODUCT_GAP = "product_gap", "Product gap"
    SUPPORT = "support", "Support"
    PRICE = "price", "Price"
    ONBOARDING = "onboarding", "Onboarding"
    COMPANY_CHANGE = "company_change", "Change at the company"
    CHAMPION_LEFT = "champion_left", "Champion left"
    COMPETITOR = "competitor", "Competitor"
    NON_PAYMENT = "non_payment", "Non-payment"
    GOOD_RELATION = "good_relation", "Good relation"
    VALUE_SEEN = "value_seen", "Value is seen"


class Sign(models.TextChoices):
    """What was noticed of a person."""

    NEW_MANAGER = "new_manager", "Has a new manager"
    UNDER_REVIEW = "under_review", "Is under review"
    LEAVING = "leaving", "Is leaving"


class Confidence(models.TextChoices):
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"


class About(models.TextChoices):
    """What a person answers: a reason by its indicator's key, or a suggestion by its playbook's id."""

    REASON = "reason", "Reason"
    RECOMMENDATION = "recommendation", "Recommendation"


class Said(models.TextChoices):
    HELPFUL = "helpful", "Helpful"
    NOT_HELPFUL = "not_helpful", "Not helpful"
    WRONG_FACT = "wrong_fact", "Wrong fact"


class ReportState(models.TextChoices):
    OPEN = "open", "Open"
    CORRECTED = "corrected", "Corrected"
    CLOSED = "closed", "Closed without a change"
    WITHDRAWN = "withdrawn", "Taken back"


class Source(models.TextChoices):
    """Tables whose rows a person may correct."""

    CONTACT = "contact", "Person"
    TICKET = "ticket", "Ticket"
    SUBSCRIPTION = "subscription", "Term"
    SURVEY = "survey", "Survey"
    INVOICE = "invoice", "Invoice"
