"""The pool in words: the flag that goes with every chance made of it, and what that flag says."""

from collections.abc import Iterable

POOLED = "pooled"  # kind of a version made of the pool
FLAG = "pooled:"  # and the number of workspaces
NO_SANDBOX = "sandbox takes no part in the pool of workspaces"  # after an article


def flag_of(workspaces: int) -> str:
    return f"{FLAG}{workspaces}"


def sentence(workspaces: int | str) -> str:
    return f"From a pool of {workspaces} workspaces, not yet calibrated on yours."


def pooled_words(flags: Iterable[str]) -> str:
    """The sentence for a chance that was made of the pool; empty for one's own."""
    return next((sentence(flag.removeprefix(FLAG)) for flag in flags if flag.startswith(FLAG)), "")


def is_late(flags: Iterable[str]) -> bool:
    """Whether any flag says that the chance is older or weaker than it looks; that it is pooled does not."""
    return any(not flag.startswith(FLAG) for flag in flags)
