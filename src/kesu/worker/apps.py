from django.apps import AppConfig


class WorkerConfig(AppConfig):
    name = "kesu.worker"
    label = "worker"
