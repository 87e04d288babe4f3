"""The figures of the model quality page, worked out in the job `scoring.quality` and kept as one row a day."""
