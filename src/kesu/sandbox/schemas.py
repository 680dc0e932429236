"""The request bodies, field by field, as the pages document them (names, lengths, enums)."""

from __future__ import annotations

from kesu.sandbox.fields import Group, Many, Text, Whole, YesNo

MCHID = Text(64, required=True)
MEDIA_IDS = Many(of=Text(512), most=4)

MINI_PROGRAM = Group(
    fields={
        "appid": Text(32, required=True),
        "path": Text(512, required=True),
        "text": Text(10, required=True),
    }
)

# The length of response_content is a policy (200 or 500), checked by the verb.
RESPONSE = Group(
    fields={
        "complainted_mchid": MCHID,
        "response_content": Text(required=True),
        "response_images": MEDIA_IDS,
        "jump_url": Text(512),
        "jump_url_text": Text(10),
        "mini_program_jump_info": MINI_PROGRAM,
    }
)

COMPLETE = Group(fields={"complainted_mchid": MCHID})

REFUND_PROGRESS = Group(
    fields={
        "action": Text(choices=("APPROVE", "REJECT"), required=True),
        "launch_refund_day": Whole(),
        "reject_reason": Text(200),
        "reject_media_list": MEDIA_IDS,
        "remark": Text(200),
    }
)

NOTIFY_URL = Group(fields={"url": Text(255, required=True)})

VIOLATION_URL = Group(fields={"notify_url": Text(256, required=True)})

ACTION = Group(
    fields={
        "action_type": Text(
            choices=("ACTION_TYPE_SEND_MESSAGE", "ACTION_TYPE_JUMP_URL", "ACTION_TYPE_JUMP_MINI_PROGRAM")
        ),
        "jump_url": Text(),
        # Only appid is required here, unlike in /response.
        "mini_program_jump_info": Group(fields={"appid": Text(required=True), "path": Text(), "text": Text()}),
        "message_info": Group(fields={"content": Text(required=True), "custom_data": Text()}),
        "action_id": Text(),
    }
)
INVALID_INFO = Group(fields={"expired_time": Text(), "multi_clickable": YesNo()})
BUTTON = Group(fields={"text": Text(), "action": ACTION, "invalid_info": INVALID_INFO})

BLOCK = Group(
    fields={
        "type": Text(choices=("TEXT", "IMAGE", "LINK", "FAQ_LIST", "BUTTON", "BUTTON_GROUP"), required=True),
        "text": Group(fields={"text": Text(), "color": Text(choices=("DEFAULT", "SECONDARY")), "is_bold": YesNo()}),
        "image": Group(
            fields={
                "media_id": Text(512, required=True),
                "image_style_type": Text(choices=("IMAGE_STYLE_TYPE_NARROW", "IMAGE_STYLE_TYPE_WIDE")),
            }
        ),
        "link": BUTTON,
        "faq_list": Group(
            fields={
                "faqs": Many(of=Group(fields={"faq_id": Text(), "faq_title": Text(), "action": ACTION})),
            }
        ),
        "button": BUTTON,
        "button_group": Group(
            fields={
                "buttons": Many(of=BUTTON),
                "button_layout": Text(choices=("LAYOUT_UNKNOWN", "LAYOUT_HORIZONTAL", "LAYOUT_VERTICAL")),
                "invalid_info": INVALID_INFO,
            }
        ),
    }
)
"""The matching sub-object of a block's type is checked by the endpoint."""

IMMEDIATE_RESPONSE = Group(
    fields={
        "complainted_mchid": MCHID,
        "message": Group(
            fields={
                "blocks": Many(of=BLOCK),
                "sender_identity": Text(choices=("UNKNOWN", "MANUAL", "MACHINE")),
                "custom_data": Text(4096),
            },
            required=True,
        ),
        "idempotent_id": Text(128, required=True),
    }
)

IMAGE_META = Group(
    fields={
        "filename": Text(128, required=True, pattern=r"(?i).+\.(jpg|bmp|png)"),
        "sha256": Text(256, required=True, pattern=r"[0-9A-Fa-f]{64}"),
    }
)

REFUND = Group(
    fields={
        "sub_mchid": Text(32),
        "transaction_id": Text(32),
        "out_trade_no": Text(32),
        "out_refund_no": Text(64, required=True, pattern=r"[0-9A-Za-z_\-|*@]+"),
        "reason": Text(octets=80),
        "notify_url": Text(256),
        "funds_account": Text(choices=("AVAILABLE", "UNSETTLED")),
        "amount": Group(
            fields={
                "refund": Whole(least=1, required=True),
                "total": Whole(least=1, required=True),
                "currency": Text(choices=("CNY",), required=True),
                "from": Many(
                    of=Group(
                        fields={
                            "account": Text(choices=("AVAILABLE", "UNAVAILABLE"), required=True),
                            "amount": Whole(least=1, required=True),
                        }
                    )
                ),
            },
            required=True,
        ),
        "goods_detail": Many(
            of=Group(
                fields={
                    "merchant_goods_id": Text(32, required=True),
                    "wechatpay_goods_id": Text(32),
                    "goods_name": Text(256),
                    "unit_price": Whole(required=True),
                    "refund_amount": Whole(required=True),
                    "refund_quantity": Whole(least=1, required=True),
                }
            )
        ),
    }
)

DEBIT_CARDS = (
    "CMB_DEBIT", "COMM_DEBIT", "ABC_DEBIT", "CCB_DEBIT", "ICBC_DEBIT", "BOC_DEBIT", "PAB_DEBIT", "SPDB_DEBIT",
    "CITIC_DEBIT", "CEB_DEBIT", "CMBC_DEBIT", "CIB_DEBIT", "GDB_DEBIT", "PSBC_DEBIT", "NBCB_DEBIT",
)  # fmt: skip
"""发起异常退款: 仅支持 ... 的借记卡."""

ABNORMAL_REFUND = Group(
    fields={
        "sub_mchid": Text(32),
        "out_refund_no": Text(64, required=True),
        "type": Text(choices=("USER_BANK_CARD", "MERCHANT_BANK_CARD"), required=True),
        "bank_type": Text(16, choices=DEBIT_CARDS),
        "bank_account": Text(1024),
        "real_name": Text(1024),
    }
)
