"""Django's settings, derived from the typed configuration in `config.py`."""

from __future__ import annotations

import tempfile

from csp.constants import NONE, SELF

from cardiocare_site.config import BASE_DIR, Config, split
from cardiocare_site.connections import broker_from_url, database_from_url, storage_from_url

CONFIG = Config()  # type: ignore[call-arg]  # the values come from the environment
PRODUCTION = CONFIG.mode == "production"
DEMO_MODE = CONFIG.mode in {"demo", "test"}

SECRET_KEY = CONFIG.secret_key.get_secret_value()
DEBUG = False
ALLOWED_HOSTS = split(CONFIG.allowed_hosts)
CSRF_TRUSTED_ORIGINS = split(CONFIG.csrf_trusted_origins)

INSTALLED_APPS = [
    "accounts",
    "patients",
    "diagnostics",
    "worker",
    "cardiocare_site",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.PrivateCacheMiddleware",
    "accounts.middleware.ActorMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "cardiocare_site.urls"
WSGI_APPLICATION = "cardiocare_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cardiocare_site.context_processors.navigation",
            ],
        },
    },
]

DATABASES = {"default": database_from_url(CONFIG.active_database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STORAGES = {
    "default": storage_from_url(CONFIG.storage_url),
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if CONFIG.mode != "test"
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".local" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = CONFIG.mode == "test"

# Uploads go to disk while they arrive and never past the limit; see diagnostics.upload_handler.
FILE_UPLOAD_HANDLERS = ["diagnostics.upload_handler.CappedUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_TEMP_DIR = CONFIG.temp_dir or None
if FILE_UPLOAD_TEMP_DIR:
    tempfile.tempdir = FILE_UPLOAD_TEMP_DIR  # libraries ask there, such as the one that receives by C-STORE
DICOM_MAX_FILES = 2000  # of one upload or archive
DATA_UPLOAD_MAX_NUMBER_FILES = max(4 * CONFIG.upload_max_files, DICOM_MAX_FILES)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
UPLOAD_MAX_BYTES = CONFIG.upload_max_mb * 1_000_000
RECORDING_MAX_BYTES = CONFIG.recording_max_mb * 1_000_000
DICOM_MAX_BYTES = CONFIG.dicom_max_mb * 1_000_000
DICOM_MAX_ARCHIVE_BYTES = 2 * DICOM_MAX_BYTES
DICOM_IDLE_S = CONFIG.dicom_idle_s
DICOM_ARCHIVE_URL = CONFIG.dicom_archive_url
DICOM_ARCHIVE_TOKEN = CONFIG.dicom_archive_token.get_secret_value()
DICOM_REFUSALS_DAYS = CONFIG.dicom_refusals_days
DICOM_EXPORT_KEY = CONFIG.dicom_export_key.get_secret_value() if CONFIG.dicom_export_key else ""
DICOM_EXPORT_HOURS = CONFIG.dicom_export_hours
DICOM_PORT, DICOM_TITLE = CONFIG.dicom_port, CONFIG.dicom_title
DICOM_PEERS = {
    title.strip(): user.strip() for title, user in (peer.split("=") for peer in split(CONFIG.dicom_peers))
}
UPLOAD_MAX_FILES = CONFIG.upload_max_files
UPLOAD_MAX_PIXELS = 40_000_000

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.CardioCareBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
if CONFIG.mode == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the slow ones are Django's to test
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "429.html"
AXES_HTTP_RESPONSE_CODE = 429
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "accounts.middleware.client_ip"

SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = CONFIG.behind_tls_proxy
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
if CONFIG.behind_tls_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
TRUSTED_PROXY_COUNT = 1 if CONFIG.behind_tls_proxy else 0

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "diagnostics.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["diagnostics.api.permissions.ScopedPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "diagnostics.api.pagination.Pages",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "diagnostics.api.errors.coded_exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "CardioCare API",
    "DESCRIPTION": "Uploads, diagnoses and predictions. Research use, not for clinical decisions.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

# PostgreSQL is the truth; the broker only carries ids, so nothing is lost when it is flushed (diagnostics.services.sweep).
DIAGNOSIS_QUEUE = CONFIG.diagnosis_queue
SCORE2_REGION = CONFIG.score2_region or (
    "moderate" if CONFIG.mode == "demo" else ""
)  # the demo shows every score
DIAGNOSIS_TIME_LIMIT_S = CONFIG.diagnosis_time_limit_s
RECORDING_TIME_LIMIT_S = CONFIG.recording_time_limit_s
# What a worker may still need after its time limit before an attempt counts as lost.
DIAGNOSIS_GRACE_S = 15
DIAGNOSIS_MAX_ATTEMPTS = CONFIG.diagnosis_max_attempts
SWEEP_INTERVAL_S = CONFIG.sweep_interval_s

CELERY_BROKER_URL = broker_from_url(CONFIG.redis_url.get_secret_value())
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": max(DIAGNOSIS_TIME_LIMIT_S, RECORDING_TIME_LIMIT_S) + 2 * DIAGNOSIS_GRACE_S,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = DIAGNOSIS_TIME_LIMIT_S
CELERY_TASK_SOFT_TIME_LIMIT = max(1, DIAGNOSIS_TIME_LIMIT_S - 5)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
# A child loads its models before it says that it is up; one that was killed at Celery's 4 s was replaced by the next, for ever.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 120.0
# A running analysis outlives the loss of the broker: its result goes to PostgreSQL, and a second delivery changes nothing.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_TASK_ROUTES = {
    "worker.run_diagnoses": {"queue": DIAGNOSIS_QUEUE},
    "worker.sweep_diagnoses": {"queue": "io"},
    "worker.run_imports": {"queue": "io"},
    "worker.sweep_studies": {"queue": "io"},
    "worker.send_results": {"queue": "io"},
    "worker.export_studies": {"queue": "io"},
    "worker.watch_models": {"queue": "io"},
    "worker.remove_leftovers": {"queue": "io"},
    "worker.forget_refusals": {"queue": "io"},
}
CELERY_BEAT_SCHEDULE = {
    "watch": {"task": "worker.watch_models", "schedule": 600.0, "options": {"expires": 600.0}},
    "remove-leftovers": {
        "task": "worker.remove_leftovers",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "forget-refusals": {
        "task": "worker.forget_refusals",
        "schedule": 3600.0,
        "options": {"expires": 3600.0},
    },
    "sweep": {
        "task": "worker.sweep_diagnoses",
        "schedule": SWEEP_INTERVAL_S,
        "options": {"expires": max(2.0, SWEEP_INTERVAL_S)},
    },
    "sweep-studies": {
        "task": "worker.sweep_studies",
        "schedule": SWEEP_INTERVAL_S,
        "options": {"expires": max(2.0, SWEEP_INTERVAL_S)},
    },
    "send-results": {
        "task": "worker.send_results",
        "schedule": SWEEP_INTERVAL_S,
        "options": {"expires": max(2.0, SWEEP_INTERVAL_S)},
    },
    "export-studies": {
        "task": "worker.export_studies",
        "schedule": SWEEP_INTERVAL_S,
        "options": {"expires": max(2.0, SWEEP_INTERVAL_S)},
    },
    "run-imports": {
        "task": "worker.run_imports",
        "schedule": SWEEP_INTERVAL_S,
        "options": {"expires": max(2.0, SWEEP_INTERVAL_S)},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": CONFIG.log_level},
    "loggers": {
        "axes": {"level": "ERROR"},  # its lines carry user names
        "pydicom": {"level": "CRITICAL"},  # its doubts quote values of the objects, names among them
        "pynetdicom": {"level": "CRITICAL"},
    },
}
