/* The sandbox's page: polls the control API and draws what it says. */
import { drawCases, yuan } from "./cases.js";
import { markdown, node, plain } from "./markdown.js";
import { currentLanguage, switchLanguage, t, writeTexts } from "./texts.js";

const CONTROL = "/control";
const KINDS = {
  wechatpay: ["status", "errcode", "timeout", "drop", "forge", "signtest"],
  notice: ["drop", "duplicate", "reorder", "status", "timeout", "forge", "signtest"],
  wecom: ["errcode", "status", "timeout", "drop"],
};
const MOST_MESSAGES = 400;
const $ = (id) => document.getElementById(id);

const seen = { messages: [], last: 0, complaints: [], state: null, faults: [], clock: null, at: 0, drawn: "" };

async function call(path, body, method = body === undefined ? "GET" : "POST") {
  const answer = await fetch(CONTROL + path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status === 204) return null;
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? String(answer.status));
  return content;
}

function say(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

/** Do something, show what it changed, or say why it could not be done. */
async function act(path, body, method) {
  try {
    const answer = await call(path, body, method);
    say("");
    await refresh();
    return answer;
  } catch (error) {
    say(error.message);
    return null;
  }
}

// Clock ---------------------------------------------------------------------------------------------------

function tick() {
  if (!seen.clock) return;
  const unix = seen.clock.unix + ((performance.now() - seen.at) / 1000) * seen.clock.speed;
  const beijing = new Date((unix + 8 * 3600) * 1000).toISOString();
  $("clock-time").textContent = beijing.slice(11, 19);
  const weekday = new Intl.DateTimeFormat(currentLanguage() === "zh" ? "zh-CN" : "en", { weekday: "short", timeZone: "UTC" });
  $("clock-day").textContent = `${beijing.slice(0, 10)} ${weekday.format(new Date(beijing))}`;
}

function drawClock() {
  const select = $("speed");
  const value = String(seen.clock.speed);
  if (![...select.options].some((option) => option.value === value)) select.append(new Option(`${value}×`, value));
  if (document.activeElement !== select) select.value = value;
  tick();
}

// Group ---------------------------------------------------------------------------------------------------

function bubbleBody(message) {
  if (message.msgtype.startsWith("markdown")) return markdown(message.content);
  return plain(message.content);
}

function bubble(message) {
  const woke = message.mentions.filter((who) => !message.content.includes(`<@${who}>`));
  const body = node("div", "bubble-text", ...bubbleBody(message));
  const foot = [];
  if (woke.length && message.accepted) foot.push(node("p", "woke", `${t("mentions")} `, node("span", "mention", woke.map((w) => `@${w}`).join(" "))));
  if (!message.accepted) foot.push(node("p", "refusal", t("refusedWith")(message.errcode)));
  return node("article", message.accepted ? "bubble" : "bubble refused",
    node("span", "avatar", "客"),
    node("div", "",
      node("p", "from", t("robot"), node("span", "badge", t("robotBadge")), node("time", "", message.time.slice(11, 19))),
      node("div", "balloon", body, ...foot)));
}

function drawChat() {
  const chat = $("chat");
  const atEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 60;
  const shown = seen.messages.filter((one) => one.accepted || $("show-refused").checked);
  const parts = [];
  let day = "";
  for (const message of shown) {
    if (message.time.slice(0, 10) !== day) {
      day = message.time.slice(0, 10);
      parts.push(node("p", "day", day));
    }
    parts.push(bubble(message));
  }
  chat.replaceChildren(...(parts.length ? parts : [node("p", "empty", t("emptyChat"))]));
  $("group-count").textContent = seen.last ? String(seen.state?.messages.accepted ?? "") : "";
  if (atEnd) chat.scrollTop = chat.scrollHeight;
}

// Tools ---------------------------------------------------------------------------------------------------

function shopName(mchid) {
  const shop = seen.state.shops[mchid];
  return currentLanguage() === "zh" ? shop.name : shop.english;
}

function drawShops() {
  const rows = Object.keys(seen.state.shops).map((mchid) => {
    const row = node("div", "shop-row", node("span", "", shopName(mchid), node("small", "", mchid)));
    const buttons = node("div", "buttons");
    for (const count of [1, 10, 100]) {
      const button = node("button", "", `+${count}`);
      button.type = "button";
      button.setAttribute("aria-label", `${shopName(mchid)} +${count}`);
      button.addEventListener("click", () => raise(mchid, count));
      buttons.append(button);
    }
    row.append(buttons);
    return row;
  });
  $("shops").replaceChildren(...rows);
}

function raise(mchid, count) {
  const form = new FormData($("raise-options"));
  const body = { mchid, count };
  const amount = Math.round(Number(form.get("amount")) * 100);
  if (form.get("amount").trim()) body.amount = amount;
  if (form.get("detail").trim()) body.detail = form.get("detail").trim();
  if (form.get("problem_type")) body.problem_type = form.get("problem_type");
  if (form.get("high_risk")) body.user_tag_list = ["HIGH_RISK"];
  if (form.get("need_immediate_service")) body.need_immediate_service = true;
  act("/complaints", body).then((answer) => answer && say(t("raised")(answer.complaint_ids.length)));
}

function drawFaults() {
  const rows = seen.faults.map((one) => node("li", "",
    node("b", "", `${t(one.target)} · ${t(one.kind)}${one.value === null ? "" : ` ${one.value}`}`),
    node("span", "", `${Math.round(one.rate * 100)}% · ${one.count === null ? t("unlimited") : `${one.struck}/${one.count}`} · ${t("struck")} ${one.struck} ${t("times")}`)));
  $("faults").replaceChildren(...(rows.length ? rows : [node("li", "calm", t("noFaults"))]));
}

function drawKinds() {
  const target = $("fault-target");
  const chosen = target.value || "notice";
  target.replaceChildren(...Object.keys(KINDS).map((one) => new Option(t(one), one)));
  target.value = chosen;
  const kind = $("fault-kind").value;
  $("fault-kind").replaceChildren(...KINDS[chosen].map((one) => new Option(t(one), one)));
  if (KINDS[chosen].includes(kind)) $("fault-kind").value = kind;
}

function orderFault(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  const body = { target: form.get("target"), kind: form.get("kind"), rate: Number(form.get("rate") || 1) };
  const value = form.get("value").trim();
  if (value) body.value = Number.isNaN(Number(value)) ? value : Number(value);
  if (form.get("count").trim()) body.count = Number(form.get("count"));
  act("/faults", body);
}

const sum = (counts) => Object.values(counts).reduce((total, one) => total + one, 0);

function drawNumbers() {
  const { complaints, notices, messages, refunds, requests, notify_urls: urls } = seen.state;
  const words = t("numbers");
  const rows = [
    [words.complaints, complaints.total], [words.awaiting, complaints.awaiting_answer], [words.continued, complaints.continued],
    [words.service, complaints.in_platform_service], [words.pushed, notices.pushed ?? 0], [words.acked, notices.acked ?? 0],
    [words.pending, notices.pending], [words.failed, notices.attempts_failed], [words.accepted, messages.accepted],
    [words.refused, sum(messages.refused)], [words.refunds, yuan(refunds.amount)], [words.requests, sum(requests)],
    [words.urls, Object.keys(urls).length || t("none")],
  ];
  $("numbers").replaceChildren(...rows.map(([name, value]) => node("div", "", node("dt", "", name), node("dd", "", String(value)))));
  const states = ["PENDING", "PROCESSING", "PROCESSED"].map((name) => node("span", `state ${name}`, `${t(name)} ${complaints.by_state[name] ?? 0}`));
  $("states").replaceChildren(...states);
  $("case-count").textContent = complaints.total ? t("shown")(seen.complaints.length, complaints.total) : "";
  if (document.activeElement !== $("quiet")) $("quiet").checked = seen.state.quiet_payers;
}

// All together --------------------------------------------------------------------------------------------

async function refresh() {
  const [clock, messages, complaints, state, faults] = await Promise.all(
    ["/clock", `/wecom/messages?after=${seen.last}`, "/complaints?limit=40", "/state", "/faults"].map((path) => call(path)));
  Object.assign(seen, { clock, complaints, state, faults, at: performance.now() });
  if (messages.length) {
    seen.messages = [...seen.messages, ...messages].slice(-MOST_MESSAGES);
    seen.last = messages.at(-1).n;
  }
  drawClock();
  const now = JSON.stringify([seen.last, { ...state, now: "" }, faults, complaints.map((c) => [c.complaint_id, c.history.length])]);
  if (now !== seen.drawn) draw();
  seen.drawn = now;
}

function draw() {
  drawChat();
  drawCases($("cases"), seen.complaints, (one) => shopName(one.complainted_mchid), act);
  drawFaults();
  drawNumbers();
  if (!$("shops").childElementCount) drawShops();
}

async function live() {
  try {
    await refresh();
    if ($("trouble").textContent === t("lost")) say("");
  } catch {
    say(t("lost"));
  }
  setTimeout(live, document.hidden ? 5000 : 1200);
}

function listen() {
  $("language").addEventListener("click", () => {
    switchLanguage();
    drawKinds();
    $("shops").replaceChildren();
    if (seen.state) draw();
  });
  $("advance").addEventListener("click", (event) => {
    const advance = event.target.dataset.advance;
    if (advance) act("/clock", { advance });
  });
  $("speed").addEventListener("change", (event) => act("/clock", { speed: Number(event.target.value) }));
  $("show-refused").addEventListener("change", drawChat);
  $("quiet").addEventListener("change", (event) => act("/payers", { quiet: event.target.checked }));
  $("fault-target").addEventListener("change", drawKinds);
  $("fault-form").addEventListener("submit", orderFault);
  $("raise-options").addEventListener("submit", (event) => event.preventDefault());
  $("clear-faults").addEventListener("click", () => act("/faults", undefined, "DELETE"));
  for (const button of document.querySelectorAll(".tabs button")) {
    button.addEventListener("click", () => { document.body.dataset.tab = button.dataset.tab; });
  }
}

writeTexts();
drawKinds();
listen();
setInterval(tick, 200);
live();
