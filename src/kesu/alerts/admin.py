"""Admin pages of ladders, rotas, quiet hours and channels, for owners. Changes go through the same services as the
commands', and the audit tells of each. No secret is shown, and what follows from other things is read-only.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, may, require
from kesu.alerts import admin_forms as forms
from kesu.alerts import clocks, ladders, people, queries, rotas, services
from kesu.alerts.changes import ChannelChange, change_channel
from kesu.alerts.models import Channel, Ladder, LadderRule, PersonAddress, PersonHours, Rota, RotaOverride
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.rules.rota import duties

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
else:  # subscriptable for the type checker only
    _ModelAdmin, _TabularInline = admin.ModelAdmin, admin.TabularInline

WEEKS_SHOWN = 8


class OwnersAdmin(admin.AdminSite):
    """Signing in, its second step and passwords are the desk's own affair; this site only asks who may change it."""

    site_header = site_title = "Kesu 客诉"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Permission.SETTINGS)

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(request.user, Permission.SETTINGS)
            return inner(request, *args, **kwargs)

        return update_wrapper(guarded, view)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Where Django sends whoever is not signed in: on to the desk's own page, and back."""
        wanted = request.GET.get("next", "")
        target = wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}) else reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(target)
        require(request.user, Permission.SETTINGS)
        return redirect(target)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return LogoutView.as_view()(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("desk:me")


site = OwnersAdmin(name="admin")


class _Owned(_ModelAdmin):
    """Whoever may be here may change everything; each change is written down in its own transaction."""

    actions = None
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Permission.SETTINGS)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, Permission.SETTINGS)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        self._record(request, obj, "added")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        self._record(request, obj, "changed")
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._record(request, obj, "removed")
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, obj: models.Model, what: str) -> None:
        subject = f"{obj._meta.model_name}:{obj.pk}"
        record(Actor.of(request), Action.SETTING_CHANGED, subject, {what: str(obj)[:60]}, now=clock.now())


@admin.register(Ladder, site=site)
class LadderAdmin(_Owned):
    form = forms.LadderForm
    list_display = ("name", "changed_at")
    readonly_fields = ("climbs",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", *self.readonly_fields) if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not while a rule names it."""
        free = obj is None or not LadderRule.objects.filter(ladder=obj.name).exists()
        return free and may(request.user, Permission.SETTINGS)

    def save_model(self, request: HttpRequest, obj: Ladder, form: Any, change: bool) -> None:
        services.set_ladders({"ladders": {obj.name: obj.steps}}, now=clock.now())
        obj.pk = Ladder.objects.get(name=obj.name).pk

    def delete_model(self, request: HttpRequest, obj: Ladder) -> None:
        services.remove_ladder(obj.name)

    @admin.display(description=_("Steps"))
    def climbs(self, obj: Ladder) -> str:
        """The steps in words, one a line."""
        found = ladders.book().ladders.get(obj.name)
        return "\n".join(f"{step.clock} {step.key}" for step in found.steps) if obj.pk and found else "-"


@admin.register(LadderRule, site=site)
class LadderRuleAdmin(_Owned):
    form = forms.LadderRuleForm
    list_display = ("position", "ladder", "mchids", "kinds")
    ordering = ("position",)

    def save_model(self, request: HttpRequest, obj: LadderRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        clocks.rearm_all()

    def delete_model(self, request: HttpRequest, obj: LadderRule) -> None:
        super().delete_model(request, obj)
        clocks.rearm_all()


class _Overrides(_TabularInline):
    model = RotaOverride
    extra = 1

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **more: Any) -> Any:
        """A row of the table has no labels of its own: who cannot see the columns is told their names."""
        field = super().formfield_for_dbfield(db_field, request, **more)
        if field is not None:
            for widget in getattr(field.widget, "widgets", [getattr(field.widget, "widget", field.widget)]):
                widget.attrs["aria-label"] = field.label
        return field

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, Permission.SETTINGS)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@admin.register(Rota, site=site)
class RotaAdmin(_Owned):
    """Its turns follow from members, handover and overrides."""

    form = forms.RotaForm
    inlines = (_Overrides,)
    list_display = ("name", "on_call")
    readonly_fields = ("turns",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not while a ladder names it."""
        free = obj is None or not ladders.naming(f"rota:{obj.name}")
        return free and may(request.user, Permission.SETTINGS)

    def save_model(self, request: HttpRequest, obj: Rota, form: Any, change: bool) -> None:
        now, given = clock.now(), form.cleaned_data
        if change:
            Rota.objects.filter(pk=obj.pk).update(name=obj.name)
            rotas.set_handover(obj, given["weekday"], given["hour"], now=now)
        else:
            obj.pk = rotas.create(obj.name, [], given["weekday"], given["hour"], now=now).pk
        if given["joins"]:
            rotas.add_members(obj, [given["joins"]], now=now)
        if given["leaves"]:
            rotas.remove_member(obj, given["leaves"], now=now)
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Rota) -> None:
        rotas.remove(obj)

    @admin.display(description=_("On call"))
    def on_call(self, obj: Rota) -> str:
        return str(people.on_call(obj.name, now=clock.now()) or "-")

    @admin.display(description=_("Turns"))
    def turns(self, obj: Rota) -> str:
        """Who is on call in the weeks to come, one a line."""
        now = clock.now()
        found = duties(people.rota_of(obj), now, now + timedelta(weeks=WEEKS_SHOWN)) if obj.pk else []
        local = [(duty, duty.starts_at.astimezone(clock.BEIJING)) for duty in found]
        return "\n".join(f"{at:%m-%d %H:%M} {duty.person}{' *' * duty.overridden}" for duty, at in local) or "-"


@admin.register(PersonHours, site=site)
class PersonHoursAdmin(_Owned):
    form = forms.PersonHoursForm
    list_display = ("user", "quiet_hours")


@admin.register(PersonAddress, site=site)
class PersonAddressAdmin(_Owned):
    list_display = ("user", "kind", "address")


@admin.register(Channel, site=site)
class ChannelAdmin(_Owned):
    """Made and given their secrets on the command line; the address is masked."""

    form = forms.ChannelForm
    list_display = ("name", "kind", "enabled", "standby", "quiet_hours", "dead_since")
    readonly_fields = ("name", "kind", "masked_address", "dead_since", "dead_reason", "created_at")
    fields = (*readonly_fields, *forms.ChannelForm.Meta.fields)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        given, now = form.cleaned_data, clock.now()
        wanted = ChannelChange(
            mentions=given["mentions"],
            second_mentions=given["second_mentions"],
            accounts=given["accounts"],
            language=given["language"],
            fallback=given["fallback"] or False,
            standby=given["standby"],
            enabled=given["enabled"],
        )
        stored = change_channel(obj, wanted, now=now)
        if stored.quiet_hours != given["quiet_hours"]:
            services.set_quiet_hours(stored, given["quiet_hours"], now=now)

    @admin.display(description=_("Address"))
    def masked_address(self, obj: Channel) -> str:
        return queries.address_of(obj)
