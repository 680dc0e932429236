"""Addresses of the webhooks' pages, in the desk's name space."""

from django.urls import path

from kesu.desk.views import webhooks

urlpatterns = [
    path("settings/webhooks", webhooks.webhooks, name="settings_webhooks"),
    path("settings/webhooks/<int:pk>", webhooks.webhook, name="settings_webhook"),
    path("settings/webhooks/<int:pk>/act", webhooks.act, name="settings_webhook_act"),
    path("settings/webhooks/deliveries/<int:pk>/redeliver", webhooks.redeliver, name="settings_webhook_redeliver"),
]
