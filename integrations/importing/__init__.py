"""The import of bundles: open, read, check, stage, merge (ADR 0006, docs/import.md)."""
