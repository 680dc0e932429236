"""What a merchant does to a complaint, by API or in the official console. The platform pushes none of it.

Sources: 回复用户, 反馈处理完成, 更新退款审批结果 (2025-09-01), 回复需要即时服务的投诉单 (2026-01-22), and the
complaint FAQ (2025-11-14) for messages. Every verb raises PlatformError.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kesu.sandbox.errors import (
    WRONG_STATE,
    PlatformError,
    invalid_request,
    no_authority,
    parameter_error,
)
from kesu.sandbox.identity import Account
from kesu.sandbox.platform import MERCHANT, Platform
from kesu.sandbox.state import Complaint

MAXIMUM_PICTURES = 4


def reply(platform: Platform, account: Account, complaint_id: str, body: dict[str, Any], *, now: datetime) -> None:
    """POST /response. The first reply moves PENDING to PROCESSING. Not idempotent: twice is two messages."""
    complaint = _own(platform, account, complaint_id, body["complainted_mchid"], "提交商户回复")
    text = body["response_content"]
    if len(text) > platform.policy.reply_limit:
        raise parameter_error(f"response_content长度超过限制{platform.policy.reply_limit}")
    _check_links(platform, body)
    pictures = _uploaded(platform, account, body.get("response_images", []))
    _answered(complaint)
    platform.record(complaint, MERCHANT, "MERCHANT_RESPONSE", text, now=now, pictures=pictures)


def complete(platform: Platform, account: Account, complaint_id: str, mchid: str, *, now: datetime) -> None:
    """POST /complete. A second one is an error (268440133); so is one before any reply, unless allowed."""
    complaint = _own(platform, account, complaint_id, mchid, "反馈处理完成")
    if complaint.state == "PROCESSED":
        raise _wrong_state("投诉单已处理完成, 请勿重复提交")
    if complaint.state == "PENDING" and not platform.policy.complete_from_pending:
        raise _wrong_state("投诉单尚未回复用户, 不能反馈处理完成")
    complaint.state = "PROCESSED"
    complaint.incoming_user_response = False
    platform.record(complaint, MERCHANT, "MERCHANT_CONFIRM_COMPLETE", "商家已处理完成", now=now)


def update_refund_progress(
    platform: Platform, account: Account, complaint_id: str, body: dict[str, Any], *, now: datetime
) -> None:
    """POST /update-refund-progress. APPROVE moves no money; REJECT completes the complaint at once.

    Only REFUND tickets; once a round; never after the order was refunded.
    """
    complaint = platform.complaint_of(account, complaint_id, "更新该投诉单的退款进度")
    if complaint.problem_type != "REFUND":
        raise parameter_error("非极速退款单据, 不能对本单据进行退款进度更新")
    decided = complaint.round_refund_decision is not None or complaint.state == "PROCESSED"
    if decided or platform.is_fully_refunded(complaint):
        raise _wrong_state("当前单据状态不支持操作, 请检查是否重复调用")
    if body["action"] == "APPROVE":
        _approve(platform, complaint, body, now=now)
    else:
        _reject(platform, account, complaint, body, now=now)


def reply_immediately(
    platform: Platform, account: Account, complaint_id: str, body: dict[str, Any], *, now: datetime
) -> str:
    """POST /response-immediate-service -> log_id. The same idempotent_id is processed once."""
    complaint = _own(platform, account, complaint_id, body["complainted_mchid"], "提交商户回复")
    if not complaint.need_immediate_service:
        raise invalid_request("该投诉单不需要即时服务, 请使用回复用户接口", WRONG_STATE)
    known = complaint.immediate_replies.get(body["idempotent_id"])
    if known:
        return known
    blocks = body["message"].get("blocks", [])
    _uploaded(platform, account, [block["image"]["media_id"] for block in blocks if block["type"] == "IMAGE"])
    _answered(complaint)
    text = "\n".join(block["text"]["text"] for block in blocks if block["type"] == "TEXT")
    entry = platform.record(
        complaint, MERCHANT, "MERCHANT_RESPONSE", text or None, now=now, normal_message=body["message"]
    )
    complaint.immediate_replies[body["idempotent_id"]] = entry.log_id
    return entry.log_id


def _approve(platform: Platform, complaint: Complaint, body: dict[str, Any], *, now: datetime) -> None:
    if "reject_reason" in body or "reject_media_list" in body:
        raise parameter_error("同意退款时不能填写拒绝原因和举证图片")
    complaint.round_refund_decision = "APPROVE"
    # The page lists 同意退款 among the acts that change the state; a first one is the merchant's answer.
    _answered(complaint)
    day = body.get("launch_refund_day", 0)
    platform.record(complaint, MERCHANT, "MERCHANT_APPROVE_REFUND", f"同意退款, {day}个工作日内发起", now=now)


def _reject(platform: Platform, account: Account, complaint: Complaint, body: dict[str, Any], *, now: datetime) -> None:
    if "launch_refund_day" in body:
        raise parameter_error("拒绝退款时不能填写预计发起退款时间")
    pictures = _uploaded(platform, account, body.get("reject_media_list", []))
    complaint.round_refund_decision = "REJECT"
    complaint.state = "PROCESSED"
    complaint.incoming_user_response = False
    platform.record(
        complaint, MERCHANT, "MERCHANT_REFUSE_RERUND", body.get("reject_reason"), now=now, pictures=pictures
    )


def _own(platform: Platform, account: Account, complaint_id: str, mchid: str, deed: str) -> Complaint:
    complaint = platform.complaint_of(account, complaint_id, f"为该投诉单{deed}")
    if complaint.mchid != mchid:
        raise no_authority(f"您暂无权限为该投诉单{deed}")
    return complaint


def _answered(complaint: Complaint) -> None:
    complaint.incoming_user_response = False
    if complaint.state == "PENDING":
        complaint.state = "PROCESSING"


def _check_links(platform: Platform, body: dict[str, Any]) -> None:
    """jump_url and jump_url_text: both or neither, HTTPS, and only for merchants on the white list."""
    url, text = body.get("jump_url"), body.get("jump_url_text")
    if bool(url) != bool(text):
        raise parameter_error("jump_url与jump_url_text必须同时填写")
    if url and not url.startswith("https://"):
        raise parameter_error("jump_url必须为https链接")
    if (url or body.get("mini_program_jump_info")) and not platform.policy.links_allowed:
        raise no_authority("此商户号暂不支持发送外部链接, 请联系行业运营")


def _uploaded(platform: Platform, account: Account, media_ids: Sequence[str]) -> list[str]:
    """Only what this account uploaded may be shown to a payer."""
    for media_id in media_ids:
        upload = platform.state.uploads.get(media_id)
        if upload is None or upload.mchid != account.mchid:
            raise parameter_error("图片media_id无效")
    return list(media_ids)


def _wrong_state(message: str) -> PlatformError:
    return invalid_request(message, WRONG_STATE)
