from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.apps import AppConfig


class PlaybooksConfig(AppConfig):
    name = "playbooks"

    def ready(self) -> None:
        from playbooks import erasure
        from tenants import hooks

        _register_jobs()
        _register_consumers()
        _register_concessions()
        _register_pages()
        _register_thresholds()
        hooks.when_tenant_created(_give_first_playbooks)
        _register_queue()
        erasure.register_places()
        _register_reach()


def _register_reach() -> None:
    from playbooks.queries import plays, recommendations
    from scoring.people import suggestions
    from tenants.hooks import when_asked_who_sees

    suggestions.set_provider(recommendations.suggestion)

    looks: dict[str, Callable[..., Any]] = {
        "play_id": plays.play_seen,
        "step_id": plays.step_seen,
        "task_id": plays.task_seen,
        "recommendation_id": recommendations.recommendation,
    }
    for name, look in looks.items():
        when_asked_who_sees(name, partial(_is_seen, name, look))


def _is_seen(name: str, look: Callable[..., Any], tenant: Any, viewer: Any, value: int) -> bool:
    return look(tenant, viewer, **{name: value}) is not None


def _register_jobs() -> None:
    from jobs import registry
    from playbooks import tasks
    from playbooks.services import cues, unattended

    registry.register("playbooks.start_play", tasks.start_play, mode="transactional", label="Start a play")
    registry.register(
        "playbooks.wake_snoozed", tasks.wake_snoozed, mode="transactional", label="Wake snoozed suggestions"
    )
    registry.schedule("playbooks.wake_snoozed", kind="playbooks.wake_snoozed", at_hour=5)
    registry.register(
        tasks.RESUME_HELD, tasks.resume_held, mode="stepwise", label="Go on with triggers that waited"
    )
    registry.register(
        tasks.START_EARNED, tasks.start_earned, mode="transactional", label="Start plays that need no click"
    )
    registry.schedule(
        tasks.START_EARNED,
        kind=tasks.START_EARNED,
        every=timedelta(minutes=15),
        when=unattended.may_start_any,
    )
    registry.register(tasks.GIVE_TURNS, tasks.give_turns, mode="stepwise", label="Flags whose turn it is")
    registry.schedule(tasks.GIVE_TURNS, kind=tasks.GIVE_TURNS, every=timedelta(minutes=5), when=cues.may_give)
    registry.register(
        tasks.LOOK_AHEAD, tasks.look_ahead, mode="stepwise", label="Terms and levels after a scoring"
    )
    registry.schedule(
        tasks.LOOK_AHEAD,
        kind=tasks.LOOK_AHEAD,
        every=timedelta(minutes=15),
        when=tasks.is_there_a_new_scoring,
    )
    registry.schedule(
        tasks.RESUME_HELD, kind=tasks.RESUME_HELD, every=timedelta(minutes=5), when=tasks.may_resume
    )


def _register_consumers() -> None:
    from audit import consumers
    from playbooks import tasks

    consumers.register(tasks.TRIGGERS, tasks.TRIGGER_VERBS, tasks.follow_health)
    consumers.register(tasks.GAINS, tasks.GAIN_VERBS, tasks.follow_gains)
    consumers.register(tasks.RISK, tasks.RISK_VERBS, tasks.follow_risk)
    consumers.register(tasks.WRITEBACK, tasks.WRITEBACK_VERBS, tasks.follow_writes)


def _register_concessions() -> None:
    from approvals import registry
    from playbooks.services import concessions

    registry.register_kind(
        concessions.KIND,
        label="Concession",
        recheck=concessions.recheck,
        on_verdict=concessions.on_verdict,
        visible=concessions.visible,
        lock=concessions.lock,
    )


def _register_pages() -> None:
    from playbooks import work_panel
    from playbooks.queries.deeds import deeds
    from scoring.outcomes import work
    from tenants import nav
    from tenants.roles import Right

    work_panel.register_panel()
    work.set_provider(deeds)
    nav.register(nav.Destination("Plays", "playbooks:plays", 30, Right.VIEW_ACCOUNTS))


def _register_thresholds() -> None:
    from playbooks import limits

    limits.register()


def _register_queue() -> None:
    from playbooks.queries.queue import waiting
    from tenants.access import Right
    from tenants.nav import Destination, register

    register(Destination("Queue", "playbooks:queue", 10, Right.VIEW_ACCOUNTS, count=waiting))


def _give_first_playbooks(tenant: Any) -> None:
    from playbooks.services import install_defaults

    install_defaults(tenant)
