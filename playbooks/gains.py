"""What `scoring.improved` names, and what playbooks may be suggested on (docs/growth.md has the rules)."""

GAINS = {
    "improved.health": "Health has clearly risen within 30 days",
    "improved.chance": "The chance of leaving has clearly fallen within 30 days",
    "improved.sign": "It has improved and shows a sign that it may buy more",
}
