"""Renewals by quarter, who may buy more, trials, milestones: worked out by a job at night, read by pages."""
