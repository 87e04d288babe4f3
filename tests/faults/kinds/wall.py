"""What stands outside of the product's own layers: it holds an answer back, as a slow network would."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tests.faults.kinds import signals
from tests.faults.ledger import note


class Wall:
    """An answer to a request with X-Faults-Hold waits for House.go(word); everything is committed by then."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        word = request.headers.get("X-Faults-Hold")
        if word:
            note("answered", mark=word, status=answer.status_code)
            signals.wait_for(word)
        return answer
