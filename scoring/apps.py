from datetime import timedelta
from typing import Any

from django.apps import AppConfig


class ScoringConfig(AppConfig):
    name = "scoring"

    def ready(self) -> None:
        from scoring import policy_setup
        from scoring.automation import setup as automation_setup
        from scoring.people import setup as people_setup
        from tenants import hooks

        policy_setup.register()
        automation_setup.register()
        people_setup.register()
        hooks.when_tenant_created(_install_default_policy)
        _register_jobs()
        _register_what_follows_scores()
        _register_pages()


def _install_default_policy(tenant: Any) -> None:
    from scoring.services import install_default_policy

    install_default_policy(tenant)


def _register_jobs() -> None:
    from jobs import registry
    from scoring import tasks
    from tenants.roles import Right

    registry.register(
        tasks.SCORE, tasks.score, mode="stepwise", label="Scoring", max_attempts=3, watch=Right.SCORE
    )
    registry.schedule("scoring.nightly", kind=tasks.SCORE, at_hour=5, at_night=True)
    # reading is cut into jobs of two minutes; fitting is one piece, which ten thousand accounts keep busy for longer
    registry.register(
        tasks.TRAIN, tasks.train, mode="stepwise", label="Learning who leaves", max_attempts=3, seconds=3600
    )
    registry.register(
        tasks.BACKTEST, tasks.backtest, mode="stepwise", label="Back-test", max_attempts=3, seconds=3600
    )
    registry.schedule(
        "scoring.monthly", kind=tasks.TRAIN, every=timedelta(days=30), when=tasks.is_time_to_train
    )
    registry.register(
        tasks.EXPIRE_OVERRIDES, tasks.expire_overrides, mode="transactional", label="Ending overrides"
    )
    registry.schedule("scoring.expire_overrides", kind=tasks.EXPIRE_OVERRIDES, every=timedelta(hours=1))


def _register_what_follows_scores() -> None:
    from jobs import registry
    from scoring.cohorts import job as cohorts
    from scoring.growth import work as growth
    from scoring.pooling import work as pooling
    from scoring.pooling.services import POOL
    from scoring.quality import job as quality
    from tenants.roles import Right

    registry.register(
        POOL, pooling.work_out, mode="stepwise", label="Pool of workspaces", max_attempts=3, seconds=300
    )
    registry.register(
        quality.QUALITY,
        quality.work_out,
        mode="stepwise",
        label="Model quality",
        max_attempts=3,
        seconds=1800,
        watch=Right.SCORE,
    )
    registry.schedule(quality.NIGHTLY, kind=quality.QUALITY, at_hour=6, when=quality.is_there_anything_new)
    registry.register(
        growth.GROWTH,
        growth.work_out,
        mode="stepwise",
        label="Renewals and growth",
        max_attempts=3,
        seconds=1800,
        watch=Right.SCORE,
    )
    registry.schedule(growth.NIGHTLY, kind=growth.GROWTH, at_hour=6, when=growth.is_there_anything_new)
    registry.register(
        cohorts.COHORTS, cohorts.work_out, mode="stepwise", label="How long customers stay", max_attempts=3,
        seconds=1800, watch=Right.SCORE,
    )  # fmt: skip
    registry.schedule(cohorts.NIGHTLY, kind=cohorts.COHORTS, at_hour=6, when=cohorts.is_there_anything_new)


def _register_pages() -> None:
    from accounts import clock
    from scoring import panels, queries
    from scoring.freshness import freshness
    from scoring.growth import erasure
    from scoring.growth import panels as growth_panels
    from scoring.why import panels as why
    from tenants import nav
    from tenants.roles import Right

    panels.register_panels()
    erasure.register_places()
    why.register_panels()
    growth_panels.register_panels()
    clock.set_provider(queries.latest_as_of)
    nav.set_freshness(freshness)
    nav.register(nav.Destination("Scores", "scoring:scores", 70, Right.VIEW_ACCOUNTS, place="menu"))
    nav.register(nav.Destination("Outcomes", "scoring:outcomes", 60, Right.VIEW_OUTCOMES))
    nav.register(nav.Destination("Renewals", "scoring:renewals", 62, Right.VIEW_OUTCOMES))
    nav.register(nav.Destination("Growth", "scoring:growth", 64, Right.VIEW_ACCOUNTS))
    nav.register(
        nav.Destination("Model quality", "scoring:model_quality", 72, Right.VIEW_QUALITY, place="menu")
    )
