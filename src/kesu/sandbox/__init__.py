"""A look-alike WeChat Pay and WeCom: real HTTP, real signatures, a virtual clock, faults, payers that behave."""

from kesu.sandbox.identity import Identity
from kesu.sandbox.payer_acts import Wish
from kesu.sandbox.policy import Policy
from kesu.sandbox.sandbox import Sandbox
from kesu.sandbox.virtual_clock import VirtualClock

__all__ = ["Identity", "Policy", "Sandbox", "VirtualClock", "Wish"]
