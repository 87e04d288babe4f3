import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# gunicorn loads this before it forks: what the addresses lead to is shared by its processes, not loaded by each
get_resolver().reverse_dict  # noqa: B018  reading it loads them
