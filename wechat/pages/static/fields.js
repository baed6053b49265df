/* What can be told about a field without asking: nothing there, too short, too long. The server mends and judges. */

import { $, element, icon } from "./page.js";
import { counted, say } from "./words.js";

const EMPTY = { phone: "e.phone.empty", id_tail: "e.tail.empty", id_number: "e.id_number.empty", name: "e.name.empty", code: "e.code.empty" };
export const NAMES = Object.keys(EMPTY);
const PARSED = ["phone", "id_tail", "id_number", "name"];

function signsOf(typed) {
  return typed.normalize("NFKC").toUpperCase().replace(/[\s().+\-\u2010-\u2015]/g, "");
}

/* The last six of a whole ID number that stands where only they are asked for; or nothing. */
export function tailOf(typed) {
  const signs = signsOf(typed);
  return /^\d{17}[\dX]$/.test(signs) ? signs.slice(-6) : "";
}

export function faultOf(field) {
  const name = field.name;
  if (field.type === "checkbox") return field.checked ? "" : say("e." + name + "_missing");
  if (!field.value.trim()) return say(EMPTY[name]);
  const signs = signsOf(field.value);
  if (name === "phone" && /^\d+$/.test(signs)) {
    const digits = signs.replace(/^(0086|86)(?=1)/, "").length;
    return digits === 11 ? "" : say("e.phone_invalid.length", { n: digits });
  }
  if (name === "id_tail" && tailOf(signs)) return say("e.id_tail_invalid.whole");
  if (name === "id_tail" && /^\d+X?$/.test(signs) && signs.length !== 6) {
    return counted(signs.length < 6 ? "e.id_tail_invalid.short" : "e.id_tail_invalid.long", Math.abs(6 - signs.length));
  }
  if (name === "name" && /\d/.test(signs)) return say("e.name_invalid");
  if (name === "code" && /^\d+$/.test(signs) && signs.length !== 6) return say("e.code.empty");
  return "";
}

/* The words for a server's refusal of a field. */
export function refusalOf(field, told) {
  if (told.code === "code_wrong") return told.tries_left ? counted("e.code_wrong", told.tries_left) : say("e.code_expired.tries");
  if (told.code === "code_expired") return say(told.reason === "missing" || told.reason === "tries" ? "e.code_expired." + told.reason : "e.code_expired");
  return (PARSED.includes(field.name) && faultOf(field)) || say("e." + told.code);
}

/* Messages under fields. `wrong`: field -> the value that was refused. */
export class Messages {
  constructor(form) {
    this.form = form;
    this.wrong = {};
    form.querySelectorAll("[aria-invalid]").forEach((field) => { this.wrong[field.name] = field.value; });
    form.addEventListener("input", (event) => this.mend(event.target));
    form.addEventListener("change", (event) => this.mend(event.target));
    form.addEventListener("click", (event) => this.cutTail(event));
  }

  field(name) {
    return this.form.elements.namedItem(name);
  }

  put(name, kind, iconName, text) {
    this.drop(name);
    const said = element("p", "said" + (kind && " said_" + kind), icon(iconName), element("span", "", text));
    said.id = "say-" + name;
    const field = this.field(name);
    if (field.type === "checkbox") $("field-" + name).after(said);
    else $("field-" + name).append(said);
    if (name === "id_tail" && kind === "bad" && tailOf(field.value)) said.lastChild.append(" ", this.cutter());
    field.setAttribute("aria-describedby", [$("hint-" + name) && "hint-" + name, said.id].filter(Boolean).join(" "));
    if (kind !== "bad") return;
    field.setAttribute("aria-invalid", "true");
    this.wrong[name] = field.value;
    if (field.type === "checkbox") $("field-" + name).classList.add("weui-agree_warn");
  }

  cutter() {
    const button = element("button", "link", say("f.tail.cut"));
    button.name = "choice";
    button.value = "tail";
    return button;
  }

  /* Also the button that the server put there. */
  cutTail(event) {
    if (event.target.value !== "tail") return;
    event.preventDefault();
    const field = this.field("id_tail");
    field.value = tailOf(field.value) || field.value;
    this.mend(field);
    field.focus();
  }

  drop(name) {
    const field = this.field(name);
    if ($("say-" + name)) $("say-" + name).remove();
    this.clear(field);
    if (field.type === "checkbox") $("field-" + name).classList.remove("weui-agree_warn");
    delete this.wrong[name];
  }

  clear(field) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    if ($("hint-" + field.name)) field.setAttribute("aria-describedby", "hint-" + field.name);
  }

  dropWrong() {
    Object.keys(this.wrong).forEach((name) => this.drop(name));
  }

  /* A mended field is no longer wrong, but its message keeps its room until the next press: whatever a finger is on stays under it. */
  mend(field) {
    const name = field.name;
    if (!(name in this.wrong) || faultOf(field) || (field.type !== "checkbox" && field.value === this.wrong[name])) return;
    if ($("say-" + name)) $("say-" + name).classList.add("said_over");
    this.clear(field);
  }
}

/* Boxes above the fields: what is wrong with them, or a state in which the values are held. */
export class Box {
  constructor(form) {
    this.form = form;
    form.addEventListener("click", (event) => this.follow(event));
  }

  drop() {
    if ($("box")) $("box").remove();
    document.title = document.title.replace(say("e.title"), "");
  }

  put(className, iconName, ...content) {
    this.drop();
    const node = element("div", "notice " + className, icon(iconName), ...content);
    node.id = "box";
    node.tabIndex = -1;
    this.form.querySelector(".field").before(node);
    return node;
  }

  list(faults) {
    const names = Object.keys(faults);
    const heading = element("h2", "", counted("e.box", names.length));
    const named = [say("e.tail.empty"), say("e.id_tail_invalid.whole")];
    const links = names.map((name) => {
      const fault = faults[name], link = element("a", "", name === "id_tail" && !named.includes(fault) ? say("e.box.id_tail", { fault }) : fault);
      link.href = "#" + name;
      return element("li", "", link);
    });
    const list = element("ul", "", ...links);
    list.setAttribute("role", "list");
    const node = this.put("notice_list", "alert", element("div", "", heading, list));
    heading.id = "box-heading";
    node.setAttribute("role", "group");
    node.setAttribute("aria-labelledby", "box-heading");
    document.title = say("e.title") + document.title;
    node.focus();
  }

  /* A link leads into its field, not only to it. */
  follow(event) {
    const link = event.target.closest("#box a[href^='#']");
    if (!link) return;
    event.preventDefault();
    const field = $(link.hash.slice(1));
    (field.closest(".field") || field).scrollIntoView({ block: "nearest" });
    field.focus();
  }

  amber(heading, text, link) {
    const said = element("span", "", element("b", "", heading));
    if (link) {
      const node = element("a", "", say("box.conflict.link"));
      node.href = link;
      said.append(" ", node);
    }
    if (text) said.append(element("small", "", text));
    const node = this.put("notice_amber", "alert", said);
    node.setAttribute("role", "alert");
    node.scrollIntoView({ block: "nearest" });
    return node;
  }
}
