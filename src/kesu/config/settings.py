"""Django's settings, derived from the environment's (``configuration.py``)."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from kesu import clock
from kesu.config.configuration import Configuration
from kesu.config.database import django_settings
from kesu.config.logging import LOGGING  # noqa: F401
from kesu.vault import open_keyring

CONFIGURATION = Configuration()
KESU_DATA = CONFIGURATION.data_directory
KESU_DATA.mkdir(parents=True, exist_ok=True)
clock.follow(KESU_DATA)

PACKAGE = Path(__file__).resolve().parent.parent
SECRET_KEY = open_keyring(KESU_DATA).signing_key
DEBUG = CONFIGURATION.debug
KESU_PUBLIC_URL = CONFIGURATION.public_url.rstrip("/")
KESU_LINK_MAX_AGE = timedelta(days=CONFIGURATION.link_days)
KESU_WEBHOOK_ALLOW_PRIVATE = CONFIGURATION.webhook_allow_private
KESU_WEBHOOK_DUE_SOON = CONFIGURATION.due_soon_leads
_public_host = urlsplit(KESU_PUBLIC_URL).hostname
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "testserver"]
ALLOWED_HOSTS += [host.strip() for host in CONFIGURATION.allowed_hosts.split(",") if host.strip()]
ALLOWED_HOSTS += [_public_host] if _public_host else []
CSRF_TRUSTED_ORIGINS = [KESU_PUBLIC_URL] if KESU_PUBLIC_URL else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = KESU_PUBLIC_URL.startswith("https://")
# Of this host alone: what else its domain serves is not ours to decide.
SECURE_HSTS_SECONDS = CONFIGURATION.hsts_days * 86_400 if SESSION_COOKIE_SECURE else 0
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "kesu.accounts",
    "kesu.audit",
    "kesu.merchants",
    "kesu.complaints",
    "kesu.alerts",
    "kesu.webhooks",
    "kesu.sync",
    "kesu.commands",
    "kesu.intake",
    "kesu.retention",
    "kesu.worker",
    "kesu.desk",
    # After the desk: its templates stand in for theirs.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "kesu.accounts.wecom",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "kesu.desk.security.ContentSecurityPolicy",
    "kesu.desk.language.ChosenLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "kesu.desk.security.SignInRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "kesu.config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kesu.desk.context.chrome",
            ],
        },
    },
]

DATABASES = {"default": django_settings(KESU_DATA, CONFIGURATION.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "kesu.accounts.passwords.LongEnough", "OPTIONS": {"min_length": 10}},
    {"NAME": "kesu.accounts.passwords.NotCommon"},
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "desk:sign_in"
LOGIN_REDIRECT_URL = "desk:inbox"
LOGOUT_REDIRECT_URL = "desk:sign_in"

# Shared by all processes: used codes and tries of the second step are counted there.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}
ACCOUNT_ADAPTER = "kesu.accounts.adapters.DeskAdapter"
ACCOUNT_FORMS = {"login": "kesu.accounts.forms.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
# Passwords are counted by accounts/attempts.py; these are codes of the second step, by person and by address.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "5/15m/key,20/15m/ip"}
MFA_ADAPTER = "kesu.accounts.adapters.DeskMfaAdapter"
MFA_FORMS = {
    "authenticate": "kesu.accounts.forms.SecondStepForm",
    "reauthenticate": "kesu.accounts.forms.ConfirmByCodeForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_ADAPTER = "kesu.accounts.wecom.adapter.WecomAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
KESU_WECOM_LOGIN = CONFIGURATION.wecom_login()

LANGUAGE_CODE = CONFIGURATION.language
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [PACKAGE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "static/"
STATIC_ROOT = None  # served from the package by whitenoise; nothing is collected
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kesu.config.settings")
