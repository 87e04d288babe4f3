from datetime import timedelta
from types import ModuleType

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        from audit import partitions
        from audit.services import record
        from jobs import registry
        from tenants import hooks, nav
        from tenants.roles import Right

        hooks.set_recorder(record)
        post_migrate.connect(partitions.ensure_after_migrate, sender=self)
        nav.register(nav.Destination("Event log", "audit:log", 80, Right.VIEW_AUDIT, place="menu"))
        register_jobs(registry)


def register_jobs(registry: ModuleType) -> None:
    """What runs beside the pages: consumers and seals each minute or sooner, the rest once a day."""
    from audit import consumers, exports, partitions, retiring, sealing, verification, words

    registry.register(consumers.KIND, consumers.run, mode="stepwise", label="Follow the event log")
    registry.register("audit.seal", sealing.run, mode="stepwise", label="Seal the event log")
    registry.register(
        "audit.anchor", sealing.write_anchor, mode="transactional", label="Write the day's seal outside"
    )
    registry.register("audit.verify", verification.run, mode="stepwise", label="Check the event log's seals")
    registry.register(retiring.KIND, retiring.run, mode="stepwise", label="Let old months of events go")
    registry.schedule(retiring.KIND, kind=retiring.KIND, at_hour=3, when=retiring.is_due)
    registry.register(
        "audit.words", words.run, mode="transactional", label="Let go of the words of dropped events"
    )
    registry.schedule("audit.words", kind="audit.words", at_hour=2)
    registry.register(exports.KIND, exports.run, mode="transactional", label="Export events")
    registry.schedule("audit.seal", kind="audit.seal", every=timedelta(minutes=1), when=sealing.has_unsealed)
    registry.schedule("audit.anchor", kind="audit.anchor", at_hour=0)
    registry.schedule("audit.verify", kind="audit.verify", at_hour=3)
    registry.chore("audit.partitions", every=timedelta(hours=1), run=partitions.ensure_ahead)
    registry.chore("audit.exports", every=timedelta(hours=1), run=exports.forget_old)
