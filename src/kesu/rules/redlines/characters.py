"""Tables of characters that stand for others. Only what the rules' words need: this is no converter of scripts."""

TRADITIONAL = dict(
    zip(
        "訴惡騙訛職業詐詭貓賬帳號碼電話聯繫係電郵鏈網維掃識別圖羣購買賣錢給轉賠償補貼還退返綠軟體微時間內發證銀驗證臉戶"
        "護證實與無關規處辦經後復覆請訊與這個們來讓對會說見張開門關閉銷結束評滿選擇點擊進載鵝鵬曝報檢舉責徹單雲衛圍維"
        "勒賴陷誣虛離線協談飛書紅獎勵禮過從據該將麼嗎撤傻腦殘髒賤癡窮鬼滾媽淚垃圾廢豬壞黨產應統億萬兩參質審標籤寶視頻"
        "願當頭條隨顧專屬務員導師觀號滅殺嚇脅詢諮減強權義議論讚贊錯誤響徵顯類優惠齊",
        "诉恶骗讹职业诈诡猫账账号码电话联系系电邮链网维扫识别图群购买卖钱给转赔偿补贴还退返绿软体微时间内发证银验证脸户"
        "护证实与无关规处办经后复复请讯与这个们来让对会说见张开门关闭销结束评满选择点击进载鹅鹏曝报检举责彻单云卫围维"
        "勒赖陷诬虚离线协谈飞书红奖励礼过从据该将么吗撤傻脑残脏贱痴穷鬼滚妈泪垃圾废猪坏党产应统亿万两参质审标签宝视频"
        "愿当头条随顾专属务员导师观号灭杀吓胁询咨减强权义议论赞赞错误响徵显类优惠齐",
        strict=True,
    )
)

HEART = "❤"
HEARTS = "♥♡💗💕💙💚💛🧡💜🖤💓💖💘💝💞🤍🤎🩷"

MEANINGS = {"🐧": "企鹅", "📞": "电话", "☎": "电话", "📱": "手机", "➕": "+", "🛰": "卫星", "📧": "邮箱"}
"""Pictures that are read aloud."""

LOOK_ALIKES = dict(zip("аеорсухіѕԛԝкмтνχοαρικ", "aeopcyxisqwkmtvxoapik", strict=True))
"""Cyrillic and Greek letters that look like Latin ones."""

DIGITS = {
    **{str(digit): str(digit) for digit in range(10)},
    **dict.fromkeys("〇零洞", "0"),
    **dict.fromkeys("一壹幺弌", "1"),
    **dict.fromkeys("二贰貳弍", "2"),
    **dict.fromkeys("三叁參弎", "3"),
    **dict.fromkeys("四肆", "4"),
    **dict.fromkeys("五伍", "5"),
    **dict.fromkeys("六陆陸", "6"),
    **dict.fromkeys("七柒拐", "7"),
    **dict.fromkeys("八捌", "8"),
    **dict.fromkeys("九玖勾", "9"),
}
"""How digits are written and spoken."""

LETTERS_AS_DIGITS = {"o": "0", "l": "1", "i": "1"}
"""Taken for digits only among digits."""

CLAUSE_MARKS = "，,、:：﹐"
SENTENCE_MARKS = "。!！?？;；\n\r"


def squared_letter(code: int) -> str:
    """The letter of negative circled, negative squared and flag letters, which NFKC leaves alone; else empty."""
    for first in (0x1F150, 0x1F170, 0x1F1E6):
        if first <= code < first + 26:
            return chr(ord("a") + code - first)
    return ""
