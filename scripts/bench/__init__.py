"""`make bench`: speeds as ratios, each against a named baseline in the same run on the same server.

Absolute seconds depend on the machine and on what else it does; the ratios are what to quote. Nothing here is a test.
"""
