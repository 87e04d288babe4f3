"""Alarms speak of what /metrics really prints, and the runbook speaks of every alarm and every figure."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from prometheus_client.parser import text_string_to_metric_families

from config import gauges, metrics

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = (ROOT / "docs/alerts.yml").read_text()
RUNBOOK = (ROOT / "docs/operations.md").read_text()
ALERTS = re.findall(r"- alert: (\w+)", RULES)
EXPRESSIONS = re.findall(r"^ +expr: (.+)$", RULES, re.MULTILINE)
SELECTOR = re.compile(r"(holdfast_\w+)(?:\{([^}]*)\})?")
# what Prometheus adds, or the expression itself makes
ADDED = {"le", "job", "instance"}


@pytest.fixture
def printed(settings, tmp_path, monkeypatch, acme):
    """name -> labels, of a scrape after some requests; of figures without a sample the catalogue tells."""
    settings.HOLDFAST_VAR = tmp_path
    monkeypatch.setattr(metrics, "_instruments", None)
    monkeypatch.setattr(metrics, "_slot", {})
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    client = Client()
    client.get("/healthz")
    text = client.get(reverse("metrics")).content.decode()
    found = {
        name: set(labels) for name, (_, labels) in gauges.CATALOGUE.items() if f"# TYPE {name} gauge" in text
    }
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.django_db
def test_every_expression_names_figures_and_labels_that_are_printed(printed):
    assert len(EXPRESSIONS) == len(ALERTS) > 10
    for expression in EXPRESSIONS:
        selectors = SELECTOR.findall(expression)
        assert selectors, expression
        for name, matchers in selectors:
            assert name in printed, f"{name} is not printed: {expression}"
            labels = set(re.findall(r"(\w+)\s*[=!]~?", matchers))
            assert labels <= printed[name] | ADDED, (
                f"{name} has no label {labels - printed[name]}: {expression}"
            )
            for label in re.findall(r"by \(([^)]*)\)", expression):
                wanted = {each.strip() for each in label.split(",")} - ADDED
                assert any(wanted <= printed[each] for each, _ in selectors), expression


@pytest.mark.django_db
def test_every_figure_has_its_line_in_the_catalogue_and_in_the_runbook(printed):
    for name in gauges.CATALOGUE:
        assert name in printed, name
        assert f"`{name}`" in RUNBOOK, name


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alarm_is_in_the_runbook(alert):
    assert f"| {alert} |" in RUNBOOK


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_brackets_match_and_every_alarm_is_whole(expression):
    for opened, closed in ("()", "{}", "[]"):
        assert expression.count(opened) == expression.count(closed)


def test_every_rule_has_a_severity_and_a_summary():
    assert RULES.count("severity:") == RULES.count("summary:") == len(ALERTS)


def test_settings_of_this_page_exist():
    example = (ROOT / ".env.example").read_text()
    for name in set(re.findall(r"HOLDFAST_[A-Z_]+", RUNBOOK)):
        assert name in example, f"{name} is in the runbook, and .env.example does not know it"
