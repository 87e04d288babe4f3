"""`{% csrf_token %}` with an idempotency key beside it, so that no form can forget one (ADR 0012)."""

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.idempotency import FIELD, new_key

register = template.Library()

# autocomplete off: Firefox keeps a hidden field's old value over a reload
_INPUT = '{}<input type="hidden" name="{}" value="{}" autocomplete="off">'


class TokenAndKey(CsrfTokenNode):
    """Django's token for whoever may send the form, and a name for what will be sent."""

    def render(self, context: Any) -> SafeString:
        token = super().render(context)
        return format_html(_INPUT, token, FIELD, new_key()) if token else SafeString("")


@register.tag("csrf_token")
def token_and_key(parser: Parser, token: Token) -> TokenAndKey:
    return TokenAndKey()
