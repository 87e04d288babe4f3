"""What the services of people and workspaces refuse, in words for the person who asked."""


class Refused(Exception):
    """A rule says no; the message says which and what to do instead."""


class NotForPrograms(Refused):
    """A person has to do it: here, signed in, with a right that no identity provider has."""


class InvitationUnusable(Exception):
    """The link is not ours, expired, or was used."""
