"""Passwords of tests are hashed in one round instead of a million: a third of a second each otherwise.

Written the same way, so that a real `kesu` beside the test takes them too.
"""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    iterations = 1
