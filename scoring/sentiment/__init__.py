"""How customers sound in what they write, and whether they name a competitor: read once a text, in jobs and commands.

A cold start: a general English word list (VADER, Hutto and Gilbert 2014), not learnt from the tenant's own texts.
"""

# the word list and how we prepare texts for it; another one makes new readings beside the old
VERSION = "vader-3.3.2/1"
