"""What the sandbox can be told to do differently: where the documents leave a choice, or a test needs one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

SigningMode = Literal["auto", "public_key", "certificate", "grey"]
RetrySchedule = Literal["general", "complaint"]


@dataclass
class Policy:
    """The rules in force.

    signing: `auto` signs with the public key, and with the certificate for callers that name a hex
      `Wechatpay-Serial`, or that downloaded the certificates and have not named the public key since;
      `public_key` is a new account, for which /v3/certificates has nothing; `certificate` is an old one; `grey` is
      one that is being switched from one to the other: either signs, whatever the caller names.
    retry_schedule: `general` (15 tries in 24 h 4 min) or `complaint` (the complaint page of 2023).
    https_only: refuse http notify URLs of loopback hosts too.
    rate_limits: enforce the published frequencies, in virtual time.
    reply_limit: characters of a reply (500 on the newest page, 200 on older ones).
    complete_from_pending: accept `complete` before any reply (undocumented either way).
    links_allowed: the merchant is on the white list for jump_url and mini programs.
    list_bytes_limit: answer 数据量过大 when a page of the list would be larger; None: never.
    refund_delay: from accepting a refund to its arrival (wallet: within 5 minutes).
    """

    signing: SigningMode = "auto"
    retry_schedule: RetrySchedule = "general"
    https_only: bool = False
    rate_limits: bool = True
    reply_limit: int = 500
    complete_from_pending: bool = False
    links_allowed: bool = False
    list_bytes_limit: int | None = None
    refund_delay: timedelta = timedelta(minutes=2)
