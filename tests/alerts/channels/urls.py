"""The desk's addresses, and the one that WeCom calls."""

from django.urls import include, path

from kesu.config.urls import urlpatterns as pages

urlpatterns = [path("callbacks/", include("kesu.alerts.callbacks")), *pages]
