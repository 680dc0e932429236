from django.apps import AppConfig


class CommandsConfig(AppConfig):
    name = "kesu.commands"
    label = "commands"
