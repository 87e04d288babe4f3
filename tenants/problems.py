"""What a program is told when something is refused: problem+json (RFC 9457), the same shape everywhere."""

from django.http import HttpRequest, JsonResponse

TYPE = "application/problem+json"


def problem(
    request: HttpRequest, status: int, title: str, detail: str = "", **members: object
) -> JsonResponse:
    """One refusal: what, why, and what to do. `request_id` is what to name when asking for help."""
    body = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    body |= members
    body["request_id"] = getattr(request, "request_id", "")
    answer = JsonResponse(body, status=status, content_type=TYPE)
    answer.headers["Cache-Control"] = "no-store"
    return answer
