"""What is sold here and what people say about it: believable Chinese texts, amounts, phone numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

PROBLEMS = {
    "REFUND": "申请退款",
    "SERVICE_NOT_WORK": "服务权益未生效",
    "OTHERS": "其他问题",
}


@dataclass(frozen=True)
class Shop:
    """amounts: typical prices in fen. details: complaint texts by problem type."""

    name: str
    english: str
    amounts: Sequence[int]
    details: Mapping[str, Sequence[str]]
    problem_weights: tuple[int, int, int] = (5, 3, 2)

    def some_problem(self, random: Random) -> str:
        return random.choices(tuple(PROBLEMS), self.problem_weights)[0]

    def some_amount(self, random: Random) -> int:
        return random.choice(self.amounts)

    def some_detail(self, random: Random, problem: str) -> str:
        return random.choice(self.details.get(problem) or self.details["OTHERS"])


SHOPS = (
    Shop(
        "晨光数码旗舰店",
        "Morninglight Electronics",
        (1990, 4900, 8800, 12900, 19900, 25900, 69900, 129900),
        {
            "REFUND": (
                "说好三天发货, 已经一周了还没有发, 客服也不回消息, 要求全额退款。",
                "收到的耳机左边没有声音, 申请退货商家一直拖着不处理, 请退款199元。",
                "付款后商家说没货让我自己取消, 取消了又不退钱, 已经5天了!",
                "买的充电宝和描述完全不符, 容量虚标, 要求退一赔三。",
            ),
            "SERVICE_NOT_WORK": (
                "买的碎屏保一年服务, 现在屏幕碎了说查不到订单, 不给保。",
                "购买时承诺以旧换新补贴300元, 收货后一直没有到账。",
            ),
            "OTHERS": (
                "发票开了半个月都没有开出来, 打电话没人接。",
                "快递显示签收但是我没有收到货, 商家让我自己找快递, 踢皮球。",
                "商家发错颜色, 要我自己出运费寄回去, 不合理。",
            ),
        },
    ),
    Shop(
        "鲜达外卖 人民路店",
        "Freshgo Takeaway",
        (1250, 1880, 2360, 2990, 3680, 5200, 8600),
        {
            "REFUND": (
                "外卖两个小时才送到, 饭都凉了, 汤全撒了, 要求退款。",
                "菜里吃出一根头发, 拍照给商家看, 商家已读不回。附图。",
                "少送了一份酸菜鱼, 联系骑手说找商家, 联系商家说找骑手, 退我钱!",
            ),
            "SERVICE_NOT_WORK": ("会员日说满30减15, 付款的时候根本没有减, 客服说活动结束了但页面还挂着。",),
            "OTHERS": (
                "吃完拉肚子, 一家三口都不舒服, 商家食品安全有问题, 要一个说法。",
                "备注了不要香菜还是放了, 我对香菜过敏。",
            ),
        },
        (6, 1, 3),
    ),
    Shop(
        "星河手游充值",
        "Galaxy Game Top-up",
        (600, 3000, 6800, 12800, 32800, 64800),
        {
            "REFUND": (
                "孩子用我手机充了648, 未成年人充值, 要求全额退款, 有户口本为证。",
                "点错了连续充了两次328, 马上联系客服, 客服说虚拟商品不退, 不合理。",
            ),
            "SERVICE_NOT_WORK": (
                "充值128元, 钻石没有到账, 订单号发了三遍, 没有人处理。",
                "买的月卡领了两天就不能领了, 显示已过期, 才买了三天。",
                "充值成功但角色ID显示错误, 充到别人号上了。",
            ),
            "OTHERS": ("账号被无故封禁, 里面充了几千块, 客服让等15个工作日。",),
        },
        (4, 5, 1),
    ),
    Shop(
        "悦听会员",
        "Joylisten Membership",
        (990, 1500, 2500, 19800, 23800),
        {
            "REFUND": (
                "没有任何提醒就自动续费了25元, 我根本没有在用, 要求退款并取消自动续费。",
                "免费试用7天结果第一天就扣钱, 这是诱导消费。",
                "年费会员扣了238, 我以为是首月1元, 页面字太小了, 退钱。",
            ),
            "SERVICE_NOT_WORK": (
                "开通了会员还是有广告, 很多歌还是听不了, 和宣传不一样。",
                "兑换码提示无效, 钱已经付了。",
            ),
            "OTHERS": ("取消自动续费的入口藏得太深, 找了半天找不到。",),
        },
        (6, 3, 1),
    ),
)


def shop_of(mchids: Sequence[str], mchid: str) -> Shop:
    """The shop behind a number: by its place among the sandbox's sellers."""
    return SHOPS[mchids.index(mchid) % len(SHOPS)] if mchid in mchids else SHOPS[0]


def some_phone(random: Random) -> str | None:
    """Most payers leave a phone number, not all."""
    if random.random() < 0.15:
        return None
    return f"1{random.choice('3578')}{random.randrange(10):d}{random.randrange(10**8):08d}"
