"""The look stays small, readable in both themes and free of what a strict content policy refuses (UX 3, 8, 9, 10)."""

import gzip
import hashlib
import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CSS = [ROOT / "static/css/tokens.css", ROOT / "static/css/app.css"]
TEMPLATES = sorted(
    path for folder in (ROOT / "templates", *ROOT.glob("*/templates")) for path in folder.rglob("*.html")
)
CHART_BUNDLE = ROOT / "static/js/vendor/plotly-basic-4.1.1.min.js"

GROUNDS = ["bg", "surface", "sunken", "raised"]
TEXT = [
    *product(["ink", "ink-2", "ink-3", "accent", "crit", "high", "watch", "good"], GROUNDS),
    *product(["ink", "ink-2", "ink-3", "accent"], ["accent-soft"]),
    *product(["ink", "accent"], ["crit-soft", "high-soft", "watch-soft", "good-soft"]),
    *[(name, f"{name}-soft") for name in ("crit", "high", "watch", "good")],
    *[("on-accent", name) for name in ("accent-fill", "accent-hover")],
]
MARKS = [
    *product(
        ["control", "focus", "accent", "crit-fill", "high-fill", "watch-fill", "good-fill"], ["bg", "surface"]
    ),
    *[(f"{name}-fill", f"{name}-soft") for name in ("crit", "high", "watch", "good")],
]


def css() -> str:
    return "".join(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S) for path in CSS)


def colours() -> dict[str, tuple[str, str]]:
    """Token -> its light and its dark colour."""
    found = re.findall(r"--([\w-]+):\s*light-dark\((#\w{6}),\s*(#\w{6})\)", css())
    plain = re.findall(r"--([\w-]+):\s*(#\w{6});", css())
    return {name: (light, dark) for name, light, dark in found} | {name: (both, both) for name, both in plain}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "wanted"), [(TEXT, 4.5), (MARKS, 3.0)], ids=["text", "marks"])
def test_token_pairs_can_be_read(theme, pairs, wanted):
    known, at = colours(), ["light", "dark"].index(theme)
    measured = {
        f"{front} on {ground}": contrast(known[front][at], known[ground][at]) for front, ground in pairs
    }
    assert {pair: round(value, 2) for pair, value in measured.items() if value < wanted} == {}


def test_both_files_stay_within_the_budget():
    raw = b"".join(path.read_bytes() for path in CSS)
    assert len(raw) <= 40_000
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in CSS) <= 10_000


def test_scripts_stay_within_the_budget():
    scripts = [ROOT / "static/js/app.js", ROOT / "static/js/charts.js"]
    assert [path.name for path in scripts if len(gzip.compress(path.read_bytes(), 9)) > 4_000] == []


def test_no_rule_shouts_or_names_an_id():
    assert "!important" not in css()
    selectors = re.findall(r"([^{}]+)\{", css())
    assert [text.strip() for text in selectors if re.search(r"#[a-z]", text)] == []


def test_the_layers_have_one_order():
    order = re.search(r"@layer ([\w, ]+);", css())
    assert order
    assert order[1].split(", ") == ["reset", "tokens", "base", "layout", "parts", "charts", "utilities"]
    assert set(re.findall(r"@layer (\w+) \{", css())) == set(order[1].split(", "))


def test_every_token_in_use_exists():
    defined = set(re.findall(r"(--[\w-]+):", css()))
    assert set(re.findall(r"var\((--[\w-]+)", css())) - defined == set()


INLINE = {
    "a style attribute": r"""\sstyle\s*=\s*["'{]""",
    "a style element": r"<style\b",
    "an event attribute": r"""\son[a-z]+\s*=\s*["'{]""",
    "a script with a body": r"<script\b(?![^>]*\bsrc=)",
    "hx-on": r"\bhx-on[:-]",
    "a javascript link": r"javascript:",
    "a page of somebody else": r"""(?:src|href)=["'](?:https?:)?//(?!www\.w3\.org)""",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_carry_nothing_inline(path):
    source = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.S)
    assert [what for what, pattern in INLINE.items() if re.search(pattern, source, re.I)] == []


def test_the_chart_bundle_is_the_published_one():
    digest = hashlib.sha256(CHART_BUNDLE.read_bytes()).hexdigest()
    assert digest in (CHART_BUNDLE.parent / "README.md").read_text()
    assert CHART_BUNDLE.name in (ROOT / "templates/parts/chart_bundle.html").read_text()
