"""What-if: a policy or thresholds that are not in force yet, replayed on the snapshots of the last 12 months."""
