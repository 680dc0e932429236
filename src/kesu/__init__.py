"""Kesu 客诉: a self-hosted complaint desk for WeChat Pay merchants."""

__version__ = "0.1.0"
