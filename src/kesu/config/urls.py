"""Every page's address, and the addresses that others call."""

from django.urls import include, path

from kesu.alerts.admin import site as admin
from kesu.api.application import addresses

handler500 = "kesu.desk.views.trouble.server_error"

urlpatterns = [
    path("api/v1/", addresses()),
    path("admin/", admin.urls),
    path("callbacks/", include("kesu.alerts.callbacks")),
    path("", include("kesu.desk.urls")),
    path("", include("kesu.desk.account_urls")),
]
