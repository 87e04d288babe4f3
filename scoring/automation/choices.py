"""The precisions that the models page offers; the admin takes any between."""

PRECISIONS = (0.50, 0.60, 0.70, 0.80, 0.90, 0.95)
