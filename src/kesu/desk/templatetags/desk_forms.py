"""Form fields in the desk's look."""

from __future__ import annotations

from django import forms, template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def control(field: BoundField) -> SafeString:
    """The input itself. The label says what it is for, so there is no placeholder."""
    widget = field.field.widget
    look = "form-control"
    if isinstance(widget, forms.CheckboxInput):
        look = "form-check-input"
    elif isinstance(widget, forms.Select):
        look = "form-select"
    classes = f"{look} is-invalid" if field.errors else look
    return field.as_widget(attrs={"class": classes, "placeholder": ""})


@register.filter
def is_tick(field: BoundField) -> bool:
    """Whether its label stands behind it."""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def has_ticks(field: BoundField) -> bool:
    """Whether several of its choices may be ticked."""
    return isinstance(field.field.widget, forms.CheckboxSelectMultiple)
