"""Learning who leaves: labels and landmarks from evidence, training, back-tests, versions of models (ADR 0018).

Read in this order: `labels` (who left when), `observations` (one day's accounts as the engine takes them), `landmarks`
(many days of them), `training`, `backtest`, `registry`. Called by jobs and commands alone, except `registry`'s reads.
"""
