"""What a policy or a model reads, in words: indicators, and what a model reads beside them."""

from accounts.models import Account
from scoring.catalogue import BY_KEY

NAMES = {
    "account.tenure_days": "Time as a customer",
    "account.log_arr": "Size of the contract",
    "contract.term_days": "Length of the term",
    "contract.auto_renew": "Whether the term renews by itself",
    "contract.timing": "Time to the contract's end",
}
SEGMENT = "segment."


def label_of(key: str) -> str:
    """The label of an indicator, or of what a model reads beside them; a name that is neither stays as it is."""
    return BY_KEY[key].label if key in BY_KEY else name_words(key)


def name_words(name: str) -> str:
    """What a model reads beside the indicators, in words."""
    if name.startswith(SEGMENT):
        return f"Segment {name.removeprefix(SEGMENT).replace('_', ' ')}"
    return NAMES.get(name, name)


def is_known(key: str) -> bool:
    """Whether a reason of health or of a chance can have this key."""
    return key in BY_KEY or key in NAMES or key.removeprefix(SEGMENT) in Account.Segment.values
