"""One settings file. Everything that differs between machines comes from the environment (.env.example)."""

from django.core.exceptions import ImproperlyConfigured

from config import embedded, env, logs
from config.secrets import installation_secret

BASE_DIR = env.ROOT
HOLDFAST_VAR = env.var_dir()
PRODUCT_NAME = "Holdfast"

# --- where it listens -------------------------------------------------------------------------
HOLDFAST_BIND = env.text("HOLDFAST_BIND", "127.0.0.1")
PORT = env.number("PORT", 8000, low=1, high=65535)
IS_LOOPBACK = HOLDFAST_BIND in {"127.0.0.1", "::1", "localhost"}
HOLDFAST_PUBLIC_URL = env.text("HOLDFAST_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.words("HOLDFAST_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = [HOLDFAST_PUBLIC_URL] if HOLDFAST_PUBLIC_URL.startswith("https://") else []
DEBUG = False
SECRET_KEY = env.text("HOLDFAST_SECRET_KEY") or installation_secret(HOLDFAST_VAR)
SECRET_KEY_FALLBACKS = env.words("HOLDFAST_OLD_SECRET_KEYS")

# --- apps -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "config",
    "playbooks",
    "scoring",
    "integrations",
    "approvals",
    "accounts",
    "signin",
    "audit",
    "jobs",
    "scim",
    "tenants",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_q",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
]
MIDDLEWARE = [
    "config.middleware.RequestId",
    "config.middleware.Observe",
    "config.middleware.HeadAsGet",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.textguard.TextGuard",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "signin.middleware.SessionLife",
    "tenants.rate_middleware.RateLimits",
    "tenants.middleware.TenantTransaction",
    "signin.middleware.Gate",
    "allauth.account.middleware.AccountMiddleware",
    "config.middleware.WrongMethod",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.page",
            ],
            "builtins": ["django.templatetags.static", "config.templatetags.once"],
        },
    }
]

# --- database ---------------------------------------------------------------------------------
DB_ROLE = env.choice("HOLDFAST_DB_ROLE", "app", allowed={"app", "worker", "owner"})
_URL_VARIABLE = {"app": "DATABASE_URL", "worker": "HOLDFAST_WORKER_URL", "owner": "HOLDFAST_OWNER_URL"}[
    DB_ROLE
]
if env.text("DATABASE_URL"):
    if not env.text(_URL_VARIABLE):
        raise ImproperlyConfigured(
            f"DATABASE_URL is set, so {_URL_VARIABLE} must be too: `manage.py setup_roles` prints it."
        )
    _database = env.database_from_url(_URL_VARIABLE, env.text(_URL_VARIABLE))
else:
    _database = {
        "ENGINE": "django.db.backends.postgresql",
        **embedded.connection_params(HOLDFAST_VAR, DB_ROLE),
    }
if env.text("HOLDFAST_DB_NAME"):  # the tests' template and clones live beside the real database
    _database["NAME"] = env.text("HOLDFAST_DB_NAME")
if DB_ROLE == "owner":
    # a migration that waits for a lock makes every page behind it wait too; `migrate` gives up and tries again
    _given: dict[str, str] = dict(_database.get("OPTIONS") or {})  # type: ignore[call-overload]
    _given["options"] = f"{_given.get('options', '')} -c lock_timeout=2000".strip()
    _database["OPTIONS"] = _given
DATABASES = {
    "default": {
        **_database,
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    },
    # the cache's own connection: what it counts is kept when a request fails and rolls back (DECISIONS 10)
    "cache": {**_database, "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0},
}
DATABASE_ROUTERS = ["config.routers.CacheApart"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        # Django's 300 would throw counters and used codes away, by chance, while somebody guesses
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    },
}

# --- people -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "signin.passwords.ContextWordsValidator"},
    {"NAME": "signin.passwords.BreachedPasswordValidator"},
]
BREACHED_PASSWORDS = env.text("HOLDFAST_BREACHED_PASSWORDS", "")
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "signin.adapters.Door"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_FORMS = {"reset_password": "signin.reset_forms.CountedResetForm"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/auth/login/"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# allauth's own counters by the e-mail alone can be used up by a stranger; signin.limits stands in their place
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None, "reset_password": "20/m/ip"}

# --- sign-in (signin/, docs/security.md "Signing in") -------------------------------------------
# how often somebody may guess; a browser known to the person has the counter "device" for itself
SIGNIN_LIMITS = {
    "password": {
        "address": "30/5m/key", "address_and_login": "5/5m/key", "login": "300/h/key", "device": "10/15m/key",
    },
    "code": {
        "address": "30/5m/key", "address_and_login": "5/5m/key", "login": "30/h/key", "device": "10/15m/key",
    },
    # mails with a link for a new password; every link that was sent goes on working
    "reset": {
        "address": "30/5m/key", "address_and_login": "5/15m/key", "login": "20/h/key", "device": "5/15m/key",
    },
}  # fmt: skip
SIGNIN_IDLE_SECONDS = env.number("HOLDFAST_IDLE_MINUTES", 30, low=1, high=1440) * 60
SIGNIN_ABSOLUTE_SECONDS = env.number("HOLDFAST_SESSION_HOURS", 12, low=1, high=168) * 3600
# before exports, roles, factors and e-mail: a proof of who it is no older than this
ACCOUNT_REAUTHENTICATION_TIMEOUT = env.number("HOLDFAST_PROOF_MINUTES", 15, low=1, high=720) * 60
ACCOUNT_REAUTHENTICATION_REQUIRED = SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True
MFA_ADAPTER = "signin.adapters.Factors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody signs themselves up: the address was stated by an admin
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = (
    1  # the codes before and after: clocks differ. Each is good once (signin.limits.first_use)
)
MFA_FORMS = {
    "authenticate": "signin.forms.SignInCodeForm",
    "reauthenticate": "signin.forms.ProofCodeForm",
    "activate_totp": "signin.forms.NewAppForm",
    "authenticate_webauthn": "signin.forms.SignInKeyForm",
    "login_webauthn": "signin.forms.KeyAloneForm",
    "reauthenticate_webauthn": "signin.forms.ProofKeyForm",
    "add_webauthn": "signin.forms.NewKeyForm",
}
SOCIALACCOUNT_ADAPTER = "signin.company.Company"
SOCIALACCOUNT_STORE_TOKENS = False
SIGNIN_OIDC = env.oidc()
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, object]] = {}
if SIGNIN_OIDC:
    # only then are its libraries loaded
    INSTALLED_APPS.append("signin.oidc")
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {"APPS": [env.oidc_app(SIGNIN_OIDC)]}

# guardian: only our own direct tables, never an anonymous user, never a global right across tenants
ANONYMOUS_USER_NAME = None
GUARDIAN_RAISE_403 = True

# --- sessions, cookies, transport (DECISIONS 18) ------------------------------------------------
_SECURE = not IS_LOOPBACK
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_NAME = "__Host-session" if _SECURE else "holdfast_session"
CSRF_COOKIE_NAME = "__Host-csrf" if _SECURE else "holdfast_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = SIGNIN_ABSOLUTE_SECONDS
SIGNIN_DEVICE_COOKIE = "__Host-device" if _SECURE else "holdfast_device"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_FAILURE_VIEW = "config.errors.csrf_failed"
SECURE_SSL_REDIRECT = _SECURE and env.flag("HOLDFAST_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
BEHIND_PROXY = env.flag("HOLDFAST_BEHIND_PROXY")
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
# plotly's basic bundle adds one empty <style>; its hash lets it draw without loosening the policy
_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", _EMPTY_STYLE],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        # the way to the company's sign-in begins with a form that is sent on there
        "form-action": ["'self'", *SIGNIN_OIDC.get("origins", [])],
        "frame-ancestors": ["'none'"],
    }
}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- requests a minute (tenants.ratelimits); 0: no limit. A workspace's own number replaces RATE_PER_TENANT -------
RATE_PER_ADDRESS = env.number("HOLDFAST_RATE_PER_ADDRESS", 12_000, low=0, high=10_000_000)
RATE_PER_PRINCIPAL = env.number("HOLDFAST_RATE_PER_PRINCIPAL", 3_000, low=0, high=10_000_000)
RATE_PER_TENANT = env.number("HOLDFAST_RATE_PER_TENANT", 30_000, low=0, high=10_000_000)

# --- jobs: django-q2 is the doorbell, our rows are the truth (DECISIONS 20) ---------------------
Q_CLUSTER = {
    "name": "holdfast",
    "orm": "default",
    "workers": env.number("HOLDFAST_WORKERS", 2, low=1, high=64),
    "queue_limit": env.number("HOLDFAST_WORKERS", 2, low=1, high=64),
    "bulk": 1,
    "timeout": env.number("HOLDFAST_JOB_TIMEOUT", 300, low=1, high=3600),
    # longer than any job may take: a doorbell that rings again while its job runs is answered in vain
    "retry": env.number("HOLDFAST_BELL_RETRY", 1200, low=1, high=86_400),
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "poll": 0.5,
    "recycle": 200,
    # a worker that has grown beyond this (in KB) is replaced after its job
    "max_rss": env.number("HOLDFAST_WORKER_RECYCLE_MB", 700, low=64, high=1_000_000) * 1024,
    "scheduler": False,  # schedules are ours (jobs.registry): one malformed row of django-q's stops all of its own
    "label": "Jobs",
}
JOBS_RUN_INLINE = False
# What one worker process may take at most; a job that wants more fails with a MemoryError, not the machine.
WORKER_MEMORY_BYTES = env.number("HOLDFAST_WORKER_MAX_MB", 3072, low=200, high=1_000_000) * 1024 * 1024
JOB_BACKOFF = env.seconds("HOLDFAST_JOB_BACKOFF", 5, low=0.1, high=900)
SWEEP_EVERY = env.seconds("HOLDFAST_SWEEP_EVERY", 2, low=0.1, high=30)
BELL_LOST_AFTER = env.seconds("HOLDFAST_BELL_LOST_AFTER", 30, low=1, high=3600)
CANARY_EVERY = env.seconds("HOLDFAST_CANARY_EVERY", 60, low=0.5, high=600)
CANARY_LIMIT = env.seconds("HOLDFAST_CANARY_LIMIT", 180, low=2, high=3600)
STOP_SECONDS = env.seconds("HOLDFAST_STOP_SECONDS", 40, low=1, high=300)
# For drills: a file with the seconds by which the jobs' clock differs from the real one. Never in production.
CLOCK_FILE = env.text("HOLDFAST_CLOCK_FILE") if IS_LOOPBACK else ""

# --- files, language, logs ----------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = HOLDFAST_VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = env.flag("HOLDFAST_DEV_STATIC")
UPLOAD_DIR = HOLDFAST_VAR / "uploads"
EXPORT_DIR = HOLDFAST_VAR / "exports"
UPLOAD_MAX_BYTES = env.number("HOLDFAST_UPLOAD_MAX_MB", 2048, low=1, high=100_000) * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
# with HOLDFAST_SMTP_HOST mails are sent, also invitations; without it they go to standard error
EMAIL_HOST = env.text("HOLDFAST_SMTP_HOST")
EMAIL_PORT = env.number("HOLDFAST_SMTP_PORT", 587, low=1, high=65535)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env.text("HOLDFAST_SMTP_USER"), env.text("HOLDFAST_SMTP_PASSWORD")
_SMTP_TLS = env.choice("HOLDFAST_SMTP_TLS", "starttls", allowed={"starttls", "implicit", "none"})
EMAIL_USE_TLS, EMAIL_USE_SSL = _SMTP_TLS == "starttls", _SMTP_TLS == "implicit"
EMAIL_TIMEOUT = 10
SENDS_MAIL = bool(EMAIL_HOST)
EMAIL_BACKEND = "tenants.mail.KeepsSandboxMail"  # and what is no sandbox's goes to
MAIL_BACKEND = env.text(
    "HOLDFAST_EMAIL_BACKEND", f"django.core.mail.backends.{'smtp' if SENDS_MAIL else 'console'}.EmailBackend"
)
DEFAULT_FROM_EMAIL = env.text("HOLDFAST_MAIL_FROM", "holdfast@localhost")

# Outgoing webhooks refuse private addresses; a demo or a test on one machine allows its own loopback by name.
OUTBOUND_ALLOWED_NETWORKS = env.words("HOLDFAST_OUTBOUND_ALLOWED_NETWORKS")

# Who may read /metrics: these networks, or whoever sends the token (config/metrics_view.py)
METRICS_NETWORKS = env.networks("HOLDFAST_METRICS_NETWORKS", "127.0.0.0/8,::1/128")
METRICS_TOKEN = env.text("HOLDFAST_METRICS_TOKEN")

# How long things are kept (docs/operations.md); 0 keeps them for ever
KEEP_USAGE_MONTHS = env.number("HOLDFAST_KEEP_USAGE_MONTHS", 0, low=0, high=600)
KEEP_SNAPSHOT_MONTHS = env.number("HOLDFAST_KEEP_SNAPSHOT_MONTHS", 0, low=0, high=600)
KEEP_AUDIT_MONTHS = env.number("HOLDFAST_KEEP_AUDIT_MONTHS", 0, low=0, high=600)
KEEP_DELIVERY_DAYS = env.number("HOLDFAST_KEEP_DELIVERY_DAYS", 0, low=0, high=20_000)
KEEP_EXPORT_DAYS = env.number("HOLDFAST_KEEP_EXPORT_DAYS", 7, low=1, high=20_000)
KEEP_JOB_DAYS = env.number("HOLDFAST_KEEP_JOB_DAYS", 14, low=1, high=20_000)
KEEP_FAILED_JOB_DAYS = env.number("HOLDFAST_KEEP_FAILED_JOB_DAYS", 90, low=1, high=20_000)

LOG_FORMAT = env.choice("HOLDFAST_LOG_FORMAT", "json", allowed={"json", "line"})
LOGGING = logs.configuration(
    style=LOG_FORMAT,
    level=env.text("HOLDFAST_LOG_LEVEL", "WARNING"),
    access=env.flag("HOLDFAST_ACCESS_LOG", default=LOG_FORMAT == "json"),
)
