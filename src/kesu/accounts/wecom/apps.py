from django.apps import AppConfig


class WecomSignInConfig(AppConfig):
    name = "kesu.accounts.wecom"
    label = "wecom_sign_in"
