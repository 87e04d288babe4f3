"""Around every request: a reference id, its numbers, and one line in the log."""

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config import log_context, metrics

Handler = Callable[[HttpRequest], HttpResponse]
access = logging.getLogger("holdfast.access")


class RequestId:
    """In the response header, the logs and the audit trail."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid.uuid4().hex[:16]  # type: ignore[attr-defined]
        with log_context.during_request(request):
            response = self.get_response(request)
        response.headers["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class Observe:
    """Counts and times each request by the name of its route, and writes the access line."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        queries = _Counter()
        started = time.perf_counter()
        with connection.execute_wrapper(queries):
            response = self.get_response(request)
        seconds = time.perf_counter() - started
        route = _route(request)
        try:
            metrics.observe(
                method=request.method or "", route=route, status=response.status_code, seconds=seconds
            )
        except OSError:  # a full disk must not cost anybody a page
            access.warning("the request could not be counted")
        fields = {
            "method": request.method,
            "route": route,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
            "queries": queries.number,
        }
        access.info("%s %s %s", request.method, route, response.status_code, extra={"fields": fields})
        return response


class HeadAsGet:
    """HEAD is answered as GET would be, without the body, whatever methods a view names."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        try:
            response = self.get_response(request)
        finally:
            request.method = "HEAD"
        if response.streaming:
            response.streaming_content = []  # type: ignore[attr-defined]  # its files are closed with the response
        else:
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return response


class WrongMethod:
    """A person who opens an address that only takes forms gets a page that says so; programs get the bare 405."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_bare = response.status_code == 405 and not response.streaming and not response.content
        if is_bare and "text/html" in request.headers.get("Accept", ""):
            response.content = render(request, "405.html").content
            response.headers["Content-Type"] = "text/html; charset=utf-8"
            response.headers.pop("Content-Length", None)  # counted when it was empty
        return response


class _Counter:
    """Stands between Django and the database for one request."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.number += 1
        return execute(sql, params, many, context)


def _route(request: HttpRequest) -> str:
    if request.path_info.startswith(settings.STATIC_URL):
        return "static"
    return log_context.route_of(request)
