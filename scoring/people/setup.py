"""What this package hangs into the frame at start-up: panels, menu, imports."""


def register() -> None:
    from scoring.people import corrections, erasing, notices, panels
    from tenants import hooks, nav
    from tenants.roles import Right

    panels.register_panels()
    erasing.register_places()
    hooks.when_file_imported(corrections.hold)
    nav.register(
        nav.Destination(
            "Notices", "scoring:notices", 68, Right.VIEW_ACCOUNTS, count=notices.open_for, place="menu"
        )
    )
    nav.register(nav.Destination("Data reports", "scoring:reports", 72, Right.CONFIGURE, place="menu"))
