"""Windows that a policy may set: statements name the indicator, `load` gives its days."""


def since(key: str) -> str:
    """The moment from which the indicator of this key looks; of `<key>.now` where its part that is now begins."""
    return f"%(start)s - make_interval(days => %({key})s)"
