/* The robot's markdown: headings, bold, links, code, quotes, three font colours, mentions.
   Everything becomes DOM nodes; nothing a payer wrote is ever parsed as HTML. */

const INLINE = /\*\*(.+?)\*\*|\[([^\]\n]*)\]\(([^)\s]+)\)|`([^`\n]+)`|<font color="(info|comment|warning)">([\s\S]*?)<\/font>|<@([^<>\s]+)>/;

/** An element with text or children. */
export function node(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Inline marks of one line, as nodes. */
export function inline(text) {
  const made = [];
  let rest = text;
  while (rest) {
    const found = INLINE.exec(rest);
    if (!found) break;
    if (found.index) made.push(rest.slice(0, found.index));
    made.push(mark(found));
    rest = rest.slice(found.index + found[0].length);
  }
  if (rest) made.push(rest);
  return made;
}

function mark([whole, bold, label, address, code, colour, coloured, mention]) {
  if (bold !== undefined) return node("b", "", ...inline(bold));
  if (code !== undefined) return node("code", "", code);
  if (colour !== undefined) return node("span", `font-${colour}`, ...inline(coloured));
  if (mention !== undefined) return node("span", "mention", `@${mention}`);
  if (!/^https?:\/\//.test(address)) return whole;
  const link = node("a", "", label || address);
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

/** A whole message, line by line. */
export function markdown(text) {
  return text.split("\n").map((line) => {
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (heading) return node("p", `heading h${heading[1].length}`, ...inline(heading[2]));
    const quote = /^>\s?(.*)$/.exec(line);
    if (quote) return node("blockquote", "", ...inline(quote[1]));
    return node("p", "", ...(line ? inline(line) : ["\u00a0"]));
  });
}

/** A text message: mentions and bare addresses only. */
export function plain(text) {
  return text.split("\n").map((line) => {
    const parts = line.split(/(<@[^<>\s]+>)/).map((part) => {
      const mention = /^<@([^<>\s]+)>$/.exec(part);
      return mention ? node("span", "mention", `@${mention[1]}`) : part;
    });
    return node("p", "", ...(line ? parts : ["\u00a0"]));
  });
}
