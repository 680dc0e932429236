from django.apps import AppConfig


class MerchantsConfig(AppConfig):
    name = "kesu.merchants"
    label = "merchants"
