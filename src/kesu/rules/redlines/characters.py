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

TRADITIONAL |= dict(
    zip(
        "罵罰羅習聞聰肅腸腳臨舊艱藝藥蘇蟲術衝裝裡裏覺覽觸計訂訓託記設許詞詳誇誌語誰課譜變豎貝負財貢貧貪貴費賀資賊賓賭"
        "賺賽贏趕趙跡蹤車軍轟輕輩輪輸農運達違遠適遲遺邊邏鄉鄰醜醫釋針釣鈴鋪鍵鎖鎮鏡鐘鐵閃閱隊階際險隱雙雜難靈靜頁頂項"
        "順預領顏額風飯飽養餓館驚鬥鬧魚鮮鳥麗麥黃龍場壓寧島歲幣幫廠廣廳彈恥惱慣慮憐憑憲戰戲擔擾攔攝敗敵斷於晝暫曉曠朧"
        "棄棟極榮構樂樓樣樹橋機檔歡歐毀氣決沒況洩涼測湯準漲潔澤濁濕濟灣災為煩熱燒爛爭爺牆狀獨獸獻現瑣瓊畝畫異療瘋癮盜"
        "盡監盤睜瞞礙禍種稱穩竊競筆簡籃糧糾紀約紙級純細終組絕綁緊緩編緣總績繞繳纏罷聖聲聽臺興蓋蕩蠻褲訪試誠諒謊謀謝講"
        "譏譴讀豈貸貿贓踐躍較輯辭辯連遊醬鑽長閒閨陽雞霧顆飲駕駛騎騷髮鬚鹽麵齒",
        "骂罚罗习闻聪肃肠脚临旧艰艺药苏虫术冲装里里觉览触计订训托记设许词详夸志语谁课谱变竖贝负财贡贫贪贵费贺资贼宾赌"
        "赚赛赢赶赵迹踪车军轰轻辈轮输农运达违远适迟遗边逻乡邻丑医释针钓铃铺键锁镇镜钟铁闪阅队阶际险隐双杂难灵静页顶项"
        "顺预领颜额风饭饱养饿馆惊斗闹鱼鲜鸟丽麦黄龙场压宁岛岁币帮厂广厅弹耻恼惯虑怜凭宪战戏担扰拦摄败敌断于昼暂晓旷胧"
        "弃栋极荣构乐楼样树桥机档欢欧毁气决没况泄凉测汤准涨洁泽浊湿济湾灾为烦热烧烂争爷墙状独兽献现琐琼亩画异疗疯瘾盗"
        "尽监盘睁瞒碍祸种称稳窃竞笔简篮粮纠纪约纸级纯细终组绝绑紧缓编缘总绩绕缴缠罢圣声听台兴盖荡蛮裤访试诚谅谎谋谢讲"
        "讥谴读岂贷贸赃践跃较辑辞辩连游酱钻长闲闺阳鸡雾颗饮驾驶骑骚发须盐面齿",
        strict=True,
    )
)
TRADITIONAL |= dict(zip("冇嘅咗佢哋唔喺畀嚟睇", "没的了他们不在给来看", strict=True))
"""Cantonese as it is written, too: 冇 is 没."""

HEART = "❤"
HEARTS = "♥♡💗💕💙💚💛🧡💜🖤💓💖💘💝💞🤍🤎🩷"

MEANINGS = {"🐧": "企鹅", "📞": "电话", "☎": "电话", "📱": "手机", "➕": "+", "🛰": "卫星", "📧": "邮箱"} | {
    "🐷": "猪",
    "🐶": "狗",
    "🐕": "狗",
    "💩": "屎",
    "🤡": "小丑",
    "🖕": "操你",
}
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
