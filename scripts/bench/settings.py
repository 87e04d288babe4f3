"""The product's settings with a bare view and a job that does nothing, to measure pages and jobs against."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as _APPS

ROOT_URLCONF = "scripts.bench.urls"
INSTALLED_APPS = [*_APPS, "scripts.bench.apps.Bench"]
