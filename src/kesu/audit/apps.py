from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "kesu.audit"
    label = "audit"

    def ready(self) -> None:
        from kesu.audit import signing_in

        signing_in.listen()
