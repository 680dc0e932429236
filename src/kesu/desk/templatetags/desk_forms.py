"""Form fields in the desk's look."""

from __future__ import annotations

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def control(field: BoundField) -> SafeString:
    """The input itself. The label says what it is for, so there is no placeholder."""
    classes = "form-control is-invalid" if field.errors else "form-control"
    return field.as_widget(attrs={"class": classes, "placeholder": ""})
