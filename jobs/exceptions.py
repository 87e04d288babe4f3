"""What a job handler may raise on purpose, and what the pages' actions refuse."""


class Cancelled(Exception):
    """A person stopped this job; `progress` raises it, and the handler lets it pass."""


class NeedsPerson(Exception):
    """Trying again would not help: the job fails at once, and its words are shown as they are."""


class NotReplayable(Exception):
    """Only a failed or cancelled job can be started again."""


class NotCancellable(Exception):
    """The job has already ended."""
