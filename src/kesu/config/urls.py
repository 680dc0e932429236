"""Every page's address, and the addresses that others call."""

from django.urls import include, path

handler500 = "kesu.desk.views.trouble.server_error"

urlpatterns = [
    path("callbacks/", include("kesu.alerts.callbacks")),
    path("", include("kesu.desk.urls")),
    path("", include("kesu.desk.account_urls")),
]
