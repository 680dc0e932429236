"""Where a link or a mini program leads that stands beside a text, not in it."""

import re

from kesu.rules.redlines.findings import AllowList

_ADDRESS = re.compile(r"https://([0-9A-Za-z][0-9A-Za-z.\-]*)(?::[0-9]{1,5})?(?:[/?#][!-~]*)?")


def is_own_address(url: str, allowed: AllowList) -> bool:
    """Whether an https address leads to one of the merchant's domains, or below it. Nothing that only looks like it:
    no name before the host, no spaces, no other scheme."""
    match = _ADDRESS.fullmatch(url)
    if match is None:
        return False
    host = match[1].lower().rstrip(".")
    domains = (domain.lower().strip(".") for domain in allowed.domains)
    return any(domain and (host == domain or host.endswith("." + domain)) for domain in domains)


def is_own_program(appid: str, allowed: AllowList) -> bool:
    """Whether this AppID is on the merchant's list, beside the names of its mini programs."""
    return appid in allowed.mini_programs
