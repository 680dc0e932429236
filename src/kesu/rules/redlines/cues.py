"""Cues: wordings without end are built from few means, and which of them stand together gives a passage away.

A cue alone is innocent ("脑子" in a toy's name, "五块" in any reply, "你" from a friendly clerk). `tones` weighs them.
"""

from dataclasses import dataclass

from kesu.rules.redlines.phrases import AFTER, BEFORE, Pattern, pattern

SETTLES = pattern(
    r"补(?:寄|发|退|给|做|送|拍|印|上|写|[一二两三四五六七八九十0-9])|(?:已经?|都|全额|今早|昨天|今天|现)退|退(?:了"
    r"|您|给您|回给|还给|到您|[0-9一二两三五百千半])|原路退"
    r"|换(?:新|一|货|成|大|小|同|好|到|个|给)|重(?:做|发|寄|新|拍|印|修)|免(?:费|单|收)|不(?:另)?收(?:钱|费)|不收了"
    r"|赔您|照价赔|(?:郑重|向您|深表|真诚)[^，。]{0,2}(?:道歉|致歉|歉意)|(?:情况|反映的|确实|均)属实"
    r"|(?:是|都怪|怪)我们(?!不)|我们(?:的(?:错|疏忽|失误|责任)|承担|担责|认(?=[，。]|$)|出(?=[，。]|$)|改|检讨)"
    r"|您(?:看|定|选|觉得)[^，。]{0,4}(?:行|可以|可否|如何|吗|合适)|由您(?:选|定|决定)|都行|修好|解除|恢复|顺延"
    r"|已(?:下架|停|更换|更正|修复|发|改|重|道|培训|开除|处罚|报修|经为您|为您)|按[^，。]{1,6}(?:赔|退|收)"
    r"|安排(?!人|[您你])|没关系|不要紧|删了|批了|报销|垫付|支持(?:退|换)|可(?:以)?(?:退|换)|减(?:半|免)|取下|删除"
)
"""What settles a matter."""

OFFERS = pattern(
    r"抱歉|对不起|不好意思|谢谢|感谢|欢迎|辛苦|请(?:您|在|先|把|提供|放心|稍|查|留意|核|出示|看|问|勿|别|不|直接|用"
    r"|按|拍|尽)|麻烦(?:您|拍|告|提|看)|附(?:图|上|件|了)|明细|核(?:对|实|查)|查(?:了|过|看|询|明)|为您|帮您|给您"
    r"|可以(?:换|退|改|选|在|用|凭|转|延|参加|直接|免|到|继续|看|查)|您可(?:以)?(?:在|凭|用|选|换|退|到)"
    r"|有效期|到账|寄|配送|预约|[0-9一二两三四五六七八九十]元|质保|保修|上门(?!找|去|收拾)|维修|检测|修|更正|调整|安排"
)
"""What a reply that serves says somewhere."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One kind of means, where nothing before or after it makes it somebody else's."""

    kind: str
    words: Pattern
    unless_before: Pattern | None = None
    unless_after: Pattern | None = None

    def stands_in(self, text: str) -> bool:
        return any(self._counts(text, *match.span()) for match in self.words.finditer(text))

    def _counts(self, text: str, start: int, end: int) -> bool:
        if self.unless_before is not None and self.unless_before.search(text[max(0, start - BEFORE) : start]):
            return False
        return self.unless_after is None or not self.unless_after.search(text[end : end + AFTER])


SERVICE = (Cue("settles", SETTLES), Cue("offers", OFFERS))
