from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "kesu.sync"
    label = "sync"
