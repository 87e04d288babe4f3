"""The routes of scim.api, resolved apart from the project's own: see scim.views."""

from functools import cache

from django.urls import ResolverMatch, URLResolver
from django.urls.resolvers import RegexPattern

from scim.api import api


@cache
def _resolver() -> URLResolver:
    return URLResolver(RegexPattern(r""), api.urls[0])


def route_of(path: str) -> ResolverMatch:
    """The route at this path below scim/v2/; raises Resolver404."""
    return _resolver().resolve(path)
