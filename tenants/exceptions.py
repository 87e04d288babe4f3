"""What the services of people and workspaces refuse, in words for the person who asked."""


class Refused(Exception):
    """A rule says no; the message says which and what to do instead."""


class InvitationUnusable(Exception):
    """The link is not ours, expired, or was used."""
