"""What a write about an account may be refused for; the text is for the person."""


class AccountError(Exception):
    """A refusal that names what is wrong and how to mend it."""


class NotVisible(AccountError):
    """The account does not exist, or this person may not see it: the two look alike."""


class CannotShare(AccountError):
    """The person to share with cannot take the share."""
