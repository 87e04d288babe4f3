"""A web process of its own under the real settings, with one browser in it, told what to do line by line.

`python -m tests.signin.one_browser` reads "password EMAIL WORD", "code CODE", "page PATH" and "count EMAIL" from
standard input and answers each with one line.
"""

import os
import sys

import django


def main():
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from django.conf import settings
    from django.test import Client

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    browser = Client(SERVER_NAME="127.0.0.1", SERVER_PORT=settings.PORT)
    print("ready", flush=True)
    for line in sys.stdin:
        what, *words = line.split()
        print(ACTS[what](browser, *words), flush=True)


def password(browser, email, word):
    answer = browser.post("/auth/login/", {"login": email, "password": word})
    return answer.headers.get("Location", answer.status_code)


def code(browser, digits):
    answer = browser.post("/auth/2fa/authenticate/", {"code": digits})
    return "in" if answer.status_code == 302 and "/auth/" not in answer.headers["Location"] else "out"


def page(browser, path):
    return browser.get(path).status_code


def count(browser, email):
    """Guesses in a transaction that is rolled back, and whether the next one is refused all the same."""
    from django.db import transaction
    from django.test import RequestFactory

    from signin import limits

    request = RequestFactory().post("/auth/login/")
    for _ in range(5):
        with transaction.atomic():
            try:
                with limits.guess(request, login=email, kind=limits.PASSWORD):
                    raise ValueError
            except (ValueError, limits.TooMany):
                transaction.set_rollback(True)
    try:
        with limits.guess(request, login=email, kind=limits.PASSWORD):
            return "allowed"
    except limits.TooMany:
        return "refused"


ACTS = {"password": password, "code": code, "page": page, "count": count}

if __name__ == "__main__":
    main()
