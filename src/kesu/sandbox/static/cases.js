/* The list of complaints: what the platform knows, and buttons for payers and for the official console. */
import { node } from "./markdown.js";
import { t } from "./texts.js";

const PAYER = ["message", "press", "continue", "satisfied", "dissatisfied", "apply_platform_service", "finish_platform_service", "platform_urge"];
const CONSOLE = ["reply", "approve", "reject", "refund", "complete"];
const open = new Set();

export const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
const clock = (text) => text.slice(5, 16).replace("T", " ");

/** What makes sense for this complaint now. */
function fitting(one) {
  const closed = one.complaint_state === "PROCESSED";
  const rated = one.history.slice(one.history.findLastIndex((e) => e.operate_type === "MERCHANT_CONFIRM_COMPLETE"))
    .some((e) => e.operate_type === "USER_SUBMIT_SATISFACTION");
  return {
    message: !closed, press: one.history.some((e) => e.normal_message?.blocks?.some((b) => !["TEXT", "IMAGE"].includes(b.type))),
    continue: closed, satisfied: closed && !rated, dissatisfied: closed && !rated,
    apply_platform_service: !closed && !one.in_platform_service, finish_platform_service: one.in_platform_service,
    platform_urge: !closed, reply: true, complete: one.complaint_state === "PROCESSING",
    refund: one.refunded < one.amount, approve: one.problem_type === "REFUND" && !closed && !one.refund_decision,
    reject: one.problem_type === "REFUND" && !closed && !one.refund_decision,
  };
}

function tags(one) {
  const made = [node("span", `state ${one.complaint_state}`, t(one.complaint_state))];
  if (one.user_complaint_times > 1) made.push(node("span", "tag hot", t("nth")(one.user_complaint_times)));
  if (one.in_platform_service) made.push(node("span", "tag hot", t("inService")));
  for (const tag of one.user_tag_list ?? []) made.push(node("span", tag === "HIGH_RISK" ? "tag hot" : "tag", t(tag)));
  if (one.need_immediate_service) made.push(node("span", "tag", t("immediateTag")));
  if (one.incoming_user_response) made.push(node("span", "tag wait", t("awaiting")));
  if (one.refunded) made.push(node("span", "tag", `${t("refunded")} ${yuan(one.refunded)}`));
  return made;
}

function entry(line) {
  const who = { 投诉人: "payer", 商家: "merchant", 系统: "system" }[line.operator] ?? "platform";
  return node("li", who,
    node("span", "when", clock(line.operate_time)),
    node("span", "who", line.operator),
    node("span", "what", line.operate_details ?? line.operate_type, node("small", "", line.operate_type)));
}

function buttons(one, names, address, act, text) {
  const can = fitting(one);
  const row = node("div", "buttons");
  for (const name of names) {
    const button = node("button", "", t(name));
    button.type = "button";
    button.disabled = !can[name];
    button.addEventListener("click", () => {
      const body = { do: name };
      if (text.value.trim()) body.text = text.value.trim();
      text.value = "";
      text.blur();
      act(`/complaints/${one.complaint_id}/${address}`, body);
    });
    row.append(button);
  }
  return row;
}

function details(one, act) {
  const text = node("input", "say");
  text.placeholder = t("say");
  text.maxLength = 200;
  text.setAttribute("aria-label", t("say"));
  const pictures = node("div", "pictures");
  for (const path of one.pictures) {
    const image = node("img");
    image.src = path;
    image.alt = t("media");
    image.loading = "lazy";
    pictures.append(image);
  }
  return node("div", "details",
    node("ol", "history", ...one.history.map(entry)),
    one.pictures.length ? pictures : null,
    text,
    node("div", "acts", node("h3", "", t("payerActs")), buttons(one, PAYER, "payer", act, text)),
    node("div", "acts", node("h3", "", t("consoleActs")), buttons(one, CONSOLE, "merchant", act, text)),
    node("p", "id", one.complaint_id));
}

function card(one, shopName, act, redraw) {
  const temper = one.temperament ? t("tempers")[one.temperament] : null;
  const head = node("button", "case-head",
    node("span", "row", node("b", "money", yuan(one.amount)), node("span", "shop", shopName(one)),
      node("span", "problem", t(one.problem_type)), temper ? node("span", "temper", temper) : null,
      node("time", "", clock(one.complaint_time))),
    node("span", "said", one.complaint_detail),
    node("span", "row tags", ...tags(one)));
  head.type = "button";
  head.setAttribute("aria-expanded", String(open.has(one.complaint_id)));
  head.addEventListener("click", () => {
    if (!open.delete(one.complaint_id)) open.add(one.complaint_id);
    redraw();
  });
  const made = node("article", `case ${one.complaint_state}`, head);
  if (open.has(one.complaint_id)) made.append(details(one, act));
  return made;
}

/** Draw the list anew, unless somebody is writing in it. `shopName(complaint)` is what to call the shop;
    `act(path, body)` posts to the control API. */
export function drawCases(list, complaints, shopName, act) {
  const writing = list.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
  if (writing && document.activeElement.value) return;
  const redraw = () => drawCases(list, complaints, shopName, act);
  const focused = list.contains(document.activeElement) ? [...list.querySelectorAll("button,input")].indexOf(document.activeElement) : -1;
  const cards = complaints.map((one) => card(one, shopName, act, redraw));
  list.replaceChildren(...(cards.length ? cards : [node("p", "empty", t("emptyCases"))]));
  if (focused >= 0) list.querySelectorAll("button,input")[focused]?.focus({ preventScroll: true });
}
