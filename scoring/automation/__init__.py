"""Earned automation: what a version must have shown, whether its world is still the one it learnt, and what waits."""
