/* The page's words, Chinese first. */
export const texts = {
  zh: {
    title: "客诉沙箱", subtitle: "模拟的微信支付与企业微信", other: "English",
    speed: "流速", tabGroup: "群消息", tabCases: "投诉单", tabTools: "控制台",
    group: "企业微信群", showRefused: "显示被拒绝的消息", emptyChat: "群里还没有消息。机器人发来的提醒会出现在这里。",
    cases: "付款人与投诉单", emptyCases: "还没有投诉。点“发起投诉”，或等付款人自己来。",
    raise: "发起投诉", problemType: "问题类型", amount: "金额（元）", detail: "投诉内容", any: "随机",
    REFUND: "申请退款", SERVICE_NOT_WORK: "服务权益未生效", OTHERS: "其他问题",
    highRisk: "高风险", immediate: "需要即时服务", quiet: "付款人保持安静",
    faults: "制造故障", clearFaults: "全部清除", target: "对象", kind: "故障", value: "数值", rate: "概率", count: "次数", order: "开始",
    noFaults: "目前一切正常。", struck: "已命中", times: "次", unlimited: "不限次数",
    state: "平台统计", PENDING: "待处理", PROCESSING: "处理中", PROCESSED: "已处理完成",
    message: "发消息", press: "点按选项", continue: "继续投诉", satisfied: "满意", dissatisfied: "不满意",
    apply_platform_service: "申请平台协助", finish_platform_service: "结束平台协助", platform_urge: "平台催办",
    say: "付款人要说的话（可不填）", payerActs: "付款人", consoleActs: "商户在官方后台操作",
    reply: "回复", complete: "处理完成", refund: "退款", approve: "同意退款", reject: "拒绝退款",
    nth: (n) => `第 ${n} 次投诉`, refunded: "已退", inService: "平台协助中", HIGH_RISK: "高风险", TRUSTED: "极速退款",
    immediateTag: "即时服务", awaiting: "等待商家回复", robot: "客诉机器人", refusedWith: (code) => `未送达 · errcode ${code}`,
    mentions: "提醒了", robotBadge: "机器人", lost: "连不上沙箱，正在重试…", shown: (n, all) => `${n} / ${all}`,
    wechatpay: "微信支付接口", notice: "投诉通知", wecom: "企业微信机器人",
    status: "返回HTTP状态码", errcode: "返回错误码", timeout: "超时", drop: "中断/丢失", duplicate: "重复", reorder: "乱序", forge: "伪造签名", signtest: "签名探测",
    numbers: {
      complaints: "投诉单", awaiting: "等待回复", continued: "再次投诉", service: "平台协助中", pushed: "通知推送", acked: "通知已确认",
      pending: "通知待推", failed: "推送失败", accepted: "群消息送达", refused: "群消息被拒", refunds: "退款到账", requests: "接口调用", urls: "回调地址",
    },
    none: "无", tempers: { patient: "有耐心", angry: "愤怒", forgetful: "健忘", satisfied_by_refund: "退款就好", professional: "职业投诉" },
    raised: (n) => `已发起 ${n} 笔投诉`, media: "图片",
  },
  en: {
    title: "Kesu sandbox", subtitle: "a look-alike WeChat Pay and WeCom", other: "中文",
    speed: "Speed", tabGroup: "Group", tabCases: "Complaints", tabTools: "Console",
    group: "WeCom group", showRefused: "Show refused messages", emptyChat: "Nothing in the group yet. What robots send appears here.",
    cases: "Payers and complaints", emptyCases: "No complaints yet. Raise some, or wait for payers to come.",
    raise: "Raise complaints", problemType: "Problem", amount: "Amount (yuan)", detail: "Text", any: "any",
    REFUND: "refund", SERVICE_NOT_WORK: "service not working", OTHERS: "other",
    highRisk: "high risk", immediate: "immediate service", quiet: "payers stay quiet",
    faults: "Make trouble", clearFaults: "Clear all", target: "Target", kind: "Kind", value: "Value", rate: "Rate", count: "Count", order: "Start",
    noFaults: "All is well.", struck: "struck", times: "times", unlimited: "no limit",
    state: "The platform counts", PENDING: "pending", PROCESSING: "processing", PROCESSED: "processed",
    message: "Message", press: "Press an option", continue: "Continue", satisfied: "Satisfied", dissatisfied: "Dissatisfied",
    apply_platform_service: "Ask the platform", finish_platform_service: "End platform service", platform_urge: "Platform urges",
    say: "What the payer says (optional)", payerActs: "Payer", consoleActs: "Merchant, in the official console",
    reply: "Reply", complete: "Complete", refund: "Refund", approve: "Approve refund", reject: "Reject refund",
    nth: (n) => `complaint no. ${n}`, refunded: "refunded", inService: "platform service", HIGH_RISK: "high risk", TRUSTED: "fast refund",
    immediateTag: "immediate", awaiting: "awaits the merchant", robot: "Complaint robot", refusedWith: (code) => `not delivered · errcode ${code}`,
    mentions: "woke", robotBadge: "BOT", lost: "The sandbox cannot be reached, trying again…", shown: (n, all) => `${n} of ${all}`,
    wechatpay: "WeChat Pay API", notice: "Notices", wecom: "WeCom robot",
    status: "HTTP status", errcode: "error code", timeout: "time-out", drop: "break / lose", duplicate: "duplicate", reorder: "reorder", forge: "forge signature", signtest: "signature probe",
    numbers: {
      complaints: "Complaints", awaiting: "Awaiting reply", continued: "Continued", service: "Platform service", pushed: "Notices pushed", acked: "Acknowledged",
      pending: "Pending", failed: "Failed tries", accepted: "Messages shown", refused: "Messages refused", refunds: "Refunds arrived", requests: "API calls", urls: "Callbacks",
    },
    none: "none", tempers: { patient: "patient", angry: "angry", forgetful: "forgetful", satisfied_by_refund: "wants a refund", professional: "professional" },
    raised: (n) => `${n} complaints raised`, media: "pictures",
  },
};

let language = localStorage.getItem("kesu-sandbox-language") === "en" ? "en" : "zh";

/** The word for a key in the language in use. */
export const t = (key) => texts[language][key] ?? key;
export const currentLanguage = () => language;

/** Switch between Chinese and English, and write all fixed texts. */
export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("kesu-sandbox-language", language);
  writeTexts();
}

/** Fill every element that names its text. */
export function writeTexts() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  const button = document.getElementById("language");
  button.textContent = t("other");
  button.lang = language === "zh" ? "en" : "zh-Hans";
}
