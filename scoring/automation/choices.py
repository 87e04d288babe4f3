"""The precisions that the models page offers; a what-if takes any between, and training counts that one as well."""

PRECISIONS = (0.50, 0.60, 0.70, 0.80, 0.90, 0.95)
