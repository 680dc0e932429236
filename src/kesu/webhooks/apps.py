from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "kesu.webhooks"
    label = "webhooks"
