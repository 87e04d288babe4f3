"""The real settings, with a var folder of the tests' own and the app role; nothing else differs."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ["HOLDFAST_VAR"] = os.environ.get("HOLDFAST_TEST_VAR") or str(ROOT / "var" / "test")
os.environ["HOLDFAST_DB_ROLE"] = "app"
os.environ.pop("DATABASE_URL", None)

from config.settings import *  # noqa: E402, F403

# argon2 would take most of the suite's time
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# nothing is collected for tests; without the folder WhiteNoise warns once for every client that a test makes
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# one connection, so that each test's transaction takes the cache back too; tests/signin tries the real one
DATABASES = {"default": DATABASES["default"]}  # noqa: F405
DATABASE_ROUTERS = []
# the addresses of the company's sign-in exist in tests; a provider is set by the tests that need one
INSTALLED_APPS = [*INSTALLED_APPS, "signin.oidc"]  # noqa: F405
# each worker of a parallel run has files of its own: tenants have the same ids in all of them
if WORKER := os.environ.get("PYTEST_XDIST_WORKER"):
    UPLOAD_DIR, EXPORT_DIR = (HOLDFAST_VAR / WORKER / name for name in ("uploads", "exports"))  # noqa: F405
