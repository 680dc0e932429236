from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "kesu.alerts"
    label = "alerts"
