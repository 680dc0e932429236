from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "kesu.retention"
    label = "retention"
