"""Model fields that are sealed at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from kesu.vault.keyring import keyring

if TYPE_CHECKING:
    _BinaryField = models.BinaryField[Any, Any]
else:
    _BinaryField = models.BinaryField


class SealedTextField(_BinaryField):
    """Text that only this installation's keyring can read. Not searchable: keep a fingerprint beside it where
    needed.
    """

    def _context(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if isinstance(value, str):
            value = keyring().seal(value.encode(), self._context())
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        if value is None:
            return None
        return keyring().open(bytes(value), self._context()).decode()
