"""Roles and rights: the one table of who may see and do what. docs/security.md prints it; a test compares them."""

from enum import StrEnum

from django.db.models import TextChoices


class Role(TextChoices):
    CSM = "csm", "CSM"
    ACCOUNT_EXECUTIVE = "account_executive", "Account executive"
    MANAGER = "manager", "Manager"
    EXECUTIVE = "executive", "Executive"
    FINANCE = "finance", "Finance"
    REVOPS = "revops", "Revenue operations"
    OPS_ADMIN = "ops_admin", "CS operations admin"
    AUDITOR = "auditor", "Auditor"
    SUPPORT = "support", "Support"
    REVIEWER = "reviewer", "Reviewer"


class Right(StrEnum):
    """What a role may do. Which accounts it does it on is decided by `visible_accounts`, not here."""

    VIEW_ACCOUNTS = "view_accounts"  # accounts, queue and plays that the person may see
    VIEW_ALL_ACCOUNTS = "view_all_accounts"  # the whole tenant instead of own or team's
    SEE_ARR = "see_arr"
    SEE_CONTACT_EMAIL = "see_contact_email"
    OPEN_BODIES = "open_bodies"  # bodies of calls, mails and tickets; each opening is logged
    WORK_QUEUE = "work_queue"  # accept, snooze, dismiss, override, notes, tasks
    GIVE_FEEDBACK = "give_feedback"  # on reasons and suggestions; auditors, support and reviewers only read
    SHARE_ACCOUNTS = "share_accounts"
    DECIDE = "decide"  # answer approval requests
    SECOND_APPROVER = "second_approver"
    IMPORT = "import"
    SCORE = "score"
    CONFIGURE = "configure"  # Django admin: policies, playbooks, people
    INTEGRATIONS = "integrations"  # endpoints, mappings, field policies, delivery log
    VIEW_AUDIT = "view_audit"
    EXPORT = "export"
    VIEW_OUTCOMES = (
        "view_outcomes"  # churn, retention and post-mortems of the accounts that the person may see
    )
    VIEW_QUALITY = (
        "view_quality"  # how true the chances were in the whole tenant, and whose overrides came true
    )


_R = Right
_READ = frozenset({_R.VIEW_ACCOUNTS, _R.SEE_ARR, _R.SEE_CONTACT_EMAIL})
_JUDGE = _READ | {_R.GIVE_FEEDBACK}
_WORK = _JUDGE | {_R.WORK_QUEUE, _R.OPEN_BODIES, _R.SHARE_ACCOUNTS, _R.EXPORT, _R.VIEW_AUDIT}

RIGHTS: dict[str, frozenset[Right]] = {
    Role.CSM: _WORK,
    Role.ACCOUNT_EXECUTIVE: _JUDGE | {_R.EXPORT},
    Role.MANAGER: _WORK | {_R.DECIDE, _R.SCORE, _R.VIEW_OUTCOMES, _R.VIEW_QUALITY},
    Role.EXECUTIVE: _JUDGE | {_R.VIEW_ALL_ACCOUNTS, _R.EXPORT, _R.VIEW_OUTCOMES, _R.VIEW_QUALITY},
    Role.FINANCE: _JUDGE
    | {
        _R.VIEW_ALL_ACCOUNTS,
        _R.DECIDE,
        _R.SECOND_APPROVER,
        _R.EXPORT,
        _R.VIEW_OUTCOMES,
        _R.VIEW_QUALITY,
    },
    Role.REVOPS: _JUDGE | {_R.VIEW_ALL_ACCOUNTS, _R.IMPORT, _R.INTEGRATIONS, _R.EXPORT, _R.VIEW_OUTCOMES},
    Role.OPS_ADMIN: _JUDGE
    | {
        _R.VIEW_ALL_ACCOUNTS,
        _R.IMPORT,
        _R.SCORE,
        _R.CONFIGURE,
        _R.INTEGRATIONS,
        _R.VIEW_AUDIT,
        _R.EXPORT,
        _R.VIEW_OUTCOMES,
        _R.VIEW_QUALITY,
    },
    Role.AUDITOR: _READ | {_R.VIEW_ALL_ACCOUNTS, _R.VIEW_AUDIT, _R.EXPORT, _R.VIEW_OUTCOMES, _R.VIEW_QUALITY},
    Role.SUPPORT: frozenset({_R.VIEW_ACCOUNTS, _R.VIEW_ALL_ACCOUNTS, _R.OPEN_BODIES}),
    # reads on the screen, within the scope, and takes nothing away: who shall export gets another role and that scope
    Role.REVIEWER: frozenset({_R.VIEW_ACCOUNTS, _R.VIEW_ALL_ACCOUNTS, _R.VIEW_OUTCOMES}),
}
