"""Secrets and personal data at rest: AES-256-GCM with a key kept outside the database."""

from kesu.vault.keyring import Keyring, VaultError, keyring, open_keyring

__all__ = ["Keyring", "VaultError", "keyring", "open_keyring"]
