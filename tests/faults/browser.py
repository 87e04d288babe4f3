"""A person at the web server: requests with cookies, signed in through the real form."""

import re

import requests

from tests.worlds import PASSWORD

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser:
    """`get` and `post` answer requests' Response, redirects not followed; posts carry the CSRF token by themselves."""

    def __init__(self, base: str, *, timeout: float = 60.0) -> None:
        self.base = base
        self.timeout = timeout
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy in the environment is not meant for us

    def get(self, path: str, **options) -> requests.Response:
        options = {"timeout": self.timeout, "allow_redirects": False, **options}
        return self.session.get(self.base + path, **options)

    def post(self, path: str, data=None, *, headers=None, htmx: bool = False, **options) -> requests.Response:
        own = {
            "X-CSRFToken": self.token(),
            "Referer": self.base + path,
            **({"HX-Request": "true"} if htmx else {}),
        }
        options = {"timeout": self.timeout, "allow_redirects": False, **options}
        return self.session.post(self.base + path, data=data, headers={**own, **(headers or {})}, **options)

    def token(self) -> str:
        return self.session.cookies.get("holdfast_csrf", "")

    def sign_in(self, email: str, password: str = PASSWORD) -> "Browser":
        page = self.get("/auth/login/")
        assert page.status_code == 200, page.text[:500]
        found = _TOKEN.search(page.text)
        assert found, "the sign-in page has no token"
        answer = self.post(
            "/auth/login/", {"csrfmiddlewaretoken": found[1], "login": email, "password": password}
        )
        assert answer.status_code in (302, 303), (
            f"{email} was not let in: {answer.status_code}\n{answer.text[:2000]}"
        )
        return self
