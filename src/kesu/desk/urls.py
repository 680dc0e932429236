"""The desk's addresses. Every one asks for a signed-in person unless its view says otherwise."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from kesu.desk import settings_urls
from kesu.desk.views import bulk, deliveries, entrance, export, frame, inbox, me, pictures, system, views

app_name = "desk"
urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("live", inbox.live, name="inbox_live"),
    path("bulk", bulk.many, name="bulk"),
    path("export", export.export, name="export"),
    path("views/save", views.save, name="save_view"),
    path("views/<int:pk>/remove", views.remove, name="remove_view"),
    path("", include("kesu.desk.case_urls")),
    path("media/<int:pk>", pictures.picture, name="picture"),
    path("deliveries", deliveries.deliveries, name="deliveries"),
    path("deliveries/<int:pk>/resend", deliveries.resend, name="push_resend"),
    path("open/<str:token>", deliveries.open_link, name="open"),
    path("system", system.system, name="system"),
    path("", include("kesu.desk.webhook_urls")),
    path("me/", me.me, name="me"),
    path("me/language", me.choose_my_language, name="my_language"),
    path("me/sessions/<int:pk>/end", me.end_session, name="end_session"),
    path("me/sessions/end-others", me.end_other_sessions, name="end_other_sessions"),
    path("sign-in", entrance.sign_in, name="sign_in"),
    path("sign-out", LogoutView.as_view(), name="sign_out"),
    path("language", frame.choose_language, name="choose_language"),
    path("theme", frame.choose_theme, name="choose_theme"),
    *settings_urls.urlpatterns,
]
