from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        from jobs import meters, upkeep
        from tenants import nav
        from tenants.roles import Right

        upkeep.register()
        meters.register()
        nav.register(nav.Destination("Jobs", "jobs:list", 90, Right.CONFIGURE, place="menu"))
