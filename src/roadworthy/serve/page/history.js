// What was asked so far, in this page alone: shown as a list, taken away as CSV.

import { percent } from "./sign.js";

const COLUMNS = ["name", "predicted", "kind", "value", "confidence", "accepted", "alternatives", "box", "found", "where", "ms"];

export class History {
  /** chosen: called with an entry when a person picks it. */
  constructor(list, chosen) {
    this.list = list;
    this.chosen = chosen;
    this.entries = [];
  }

  get size() {
    return this.entries.length;
  }

  add(entry) {
    this.entries.push(entry);
    const { picture, result, where } = entry;
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button" });
    const small = document.createElement("img");
    small.src = URL.createObjectURL(picture.blob);
    small.alt = "";
    const words = document.createElement("span");
    const doubt = result.accepted === false ? " (not sure)" : "";
    words.textContent = `${result.predicted}${doubt}, ${percent(result.confidence)}: ${picture.name}, ${where}`;
    button.append(small, words);
    button.addEventListener("click", () => this.chosen(entry));
    item.append(button);
    this.list.prepend(item);
  }

  clear() {
    this.list.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
    this.list.replaceChildren();
    this.entries = [];
  }

  csv() {
    const rows = this.entries.map(({ result, where, ms }) => ({
      ...result,
      confidence: result.confidence.toFixed(6),
      accepted: result.accepted ?? "",
      value: result.value ?? "",
      alternatives: result.alternatives.map((other) => `${other.class}=${other.confidence.toFixed(6)}`).join(" "),
      box: result.box ? result.box.map((edge) => edge.toFixed(1)).join(" ") : "",
      found: result.found?.toFixed(6) ?? "",
      where,
      ms: ms.toFixed(1),
    }));
    const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => quoted(String(row[name]))))];
    return `${lines.map((line) => line.join(",")).join("\r\n")}\r\n`;
  }

  download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" }));
    link.download = "roadworthy.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

/** As a cell; what a spreadsheet would take for a formula is made text. */
function quoted(text) {
  const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
