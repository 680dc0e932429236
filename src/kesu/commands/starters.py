"""Quick replies to begin with, by problem type. Each passes the red lines (a test checks), names what is done and
promises nothing that was not done yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Starter:
    """``problem_type`` as the platform spells it; empty for every type."""

    name: str
    problem_type: str
    text: str


STARTERS: tuple[Starter, ...] = (
    Starter(
        "了解情况",
        "",
        "您好, 我是{merchant}的客服{agent}。您反映的订单{order}({amount})我们已经查到。为了尽快处理好, "
        "想和您确认一下: 您遇到的具体问题是什么, 希望退款还是由我们继续提供服务? 您直接在这里回复即可。",
    ),
    Starter(
        "致歉并说明处理方案",
        "",
        "您好, 给您带来不便非常抱歉。订单{order}的问题我们已经核实, 确实是我们的疏漏。"
        "您可以选择全额退款{amount}, 或由我们重新为您提供服务, 请您告诉我们您的选择。",
    ),
    Starter(
        "退款已发起",
        "REFUND",
        "您好, 订单{order}的退款{refunded}已经按原支付方式退回, 到账情况可以在微信支付的账单详情里查看。"
        "给您添麻烦了, 还有其他问题请直接在这里告诉我们。",
    ),
    Starter(
        "同意退款",
        "REFUND",
        "您好, 您申请的退款{amount}我们已经同意, 会按原支付方式退回给您。给您带来不便非常抱歉。",
    ),
    Starter(
        "部分退款协商",
        "REFUND",
        "您好, 订单{order}({amount})中有一部分服务已经使用。我们可以先为您退回未使用的部分, "
        "您认为怎样的金额合适? 请在这里回复, 我们按您的意见处理。",
    ),
    Starter(
        "自动续费退款",
        "REFUND",
        "您好, 查到订单{order}是一笔自动续费, 金额{amount}。我们可以为您关闭续费并退回这笔费用, 请您确认是否需要。"
        "您也可以在微信的「支付-钱包-支付设置-自动续费」中随时自行关闭。",
    ),
    Starter(
        "权益未到账",
        "SERVICE_NOT_WORK",
        "您好, 订单{order}对应的权益未生效, 我们已经查到原因并在后台为您补发。请您重新打开看看是否已经生效, "
        "如果仍然没有, 请在这里告诉我们, 我们为您全额退款。",
    ),
    Starter(
        "设备或服务不能使用",
        "SERVICE_NOT_WORK",
        "您好, 您反映的设备故障我们已经登记检修。订单{order}的费用{amount}不应由您承担, 我们为您全额退款, 非常抱歉。",
    ),
    Starter(
        "请补充凭证",
        "",
        "您好, 为了核实订单{order}, 请您在这里补充一下商品或页面的照片, "
        "可以看清问题的地方即可, 不需要任何证件和个人信息。",
    ),
    Starter(
        "物流延误",
        "OTHERS",
        "您好, 订单{order}因为仓库缺货没有按约定发出, 这是我们的责任。"
        "您可以选择全额退款{amount}, 或者等待补货后优先发出, "
        "请告诉我们您的选择。",
    ),
    Starter(
        "商品质量问题",
        "OTHERS",
        "您好, 收到有质量问题的商品换成谁都会不愉快, 非常抱歉。订单{order}我们可以为您全额退款{amount}, "
        "商品不用寄回; 如果您希望换货也可以, 请告诉我们。",
    ),
    Starter(
        "再次投诉后的跟进",
        "",
        "您好, 看到您再次反映订单{order}的问题, 说明上一次我们没有处理好, 非常抱歉。"
        "这次由{agent}专门负责, 请告诉我们还有哪一点没有解决, 解决之前我们不会结束这笔投诉。",
    ),
    Starter(
        "平台协助期间",
        "",
        "您好, 我们看到您申请了平台协助。订单{order}的处理材料我们会如实提供给平台, "
        "同时您的诉求我们仍在处理: 如果您接受全额退款{amount}, 我们可以现在就办理。",
    ),
)
