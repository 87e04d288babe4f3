"""`python -m tests.faults.seed`: the two worlds, made once in the template that each test's database is cloned from."""

import django


def main() -> None:
    django.setup()
    from django.db import transaction

    from tests.worlds import make_world

    for slug in ("acme", "globex"):
        with transaction.atomic():
            make_world(slug)


if __name__ == "__main__":
    main()
