"""Chances of leaving: learn, calibrate, score, explain and store one additive hazard (ADR 0018).

data (what is learned from), timing (the contract), model (the form), fit and boosted and parts (learning), calibrate,
chances, explain, importance, document. Scoring and explaining a stored model needs numpy alone.
"""
