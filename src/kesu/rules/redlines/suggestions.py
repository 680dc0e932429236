"""A better wording for each rule. It goes to the payer, so it is Chinese; a test lints each of them: all are clean.

「……」 is for the person who writes to fill in.
"""

from kesu.rules.redlines.findings import Rule

_TALK_HERE = "您可以直接在本单留言并上传图片, 我们在这里为您核对订单和退款。"

SUGGESTIONS: dict[Rule, str] = {
    Rule.LABELLING: "我们核对了这笔订单的记录, 把看到的情况说明如下: ……。与您的记忆不一致的地方, 请您告诉我们。",
    Rule.INSULT: "给您添了麻烦, 我们向您道歉。这笔订单我们核对的情况是: ……",
    Rule.THREAT: "我们希望和您一起把这笔订单的问题解决。可以选择的方案有: ……",
    Rule.WITHDRAWAL: "退款与投诉没有关联, 您不用做任何操作, 款项按原支付方式退回。",
    Rule.WECHAT_ID: _TALK_HERE,
    Rule.QQ: _TALK_HERE,
    Rule.PHONE: _TALK_HERE,
    Rule.LINK: "您不用打开其他页面, 需要核对的订单信息直接写在本单就可以。",
    Rule.QR_CODE: "您不用扫码, 需要的订单凭证直接上传到本单就可以。",
    Rule.OFF_PLATFORM: "我们就在本单为您办理, 款项按原支付方式退回, 不需要其他账户。",
    Rule.PERSONAL_DATA: "您只要告诉我们订单编号就够了, 退款按原支付方式退回, 不需要其他个人资料。",
    Rule.BRUSH_OFF: "我们核对了您的订单: ……。我们的方案是: ……, 您看是否合适?",
    Rule.REPEATED_REPLY: "补充上次答复之后的新情况: ……。接下来由我们联系仓库核对, 结果写在本单。",
    Rule.DATE_PROMISE: "退款已经提交, 款项按原支付方式退回, 您可以在微信支付账单里看到。",
    Rule.TOO_LONG: "结论先说: ……。依据见附图, 您有疑问直接在本单留言。",
}
