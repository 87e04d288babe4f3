"""Which connection a table is reached by: the cache has its own, outside of every request's transaction."""

from typing import Any


class CacheApart:
    """Counters of tries and codes already used must survive a request that rolls back (DECISIONS 10)."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "cache" if model._meta.app_label == "django_cache" else None

    db_for_write = db_for_read

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool | None:
        return None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"
