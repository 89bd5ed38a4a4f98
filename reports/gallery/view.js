"use strict";
// What the page shows: the data, the view that the address keeps, and where a picture is.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const inline = JSON.parse($("pictures").textContent);

// The pictures of a row, in the order of the columns on the page. kind: as the program calls it, by seed.
const panes = [
  { title: "label map", kind: () => "label" },
  ...(data.photograph ? [{ title: "photograph", kind: () => "photograph" }] : []),
  ...data.columns.map((column, index) => ({
    title: column.title,
    column: index,
    // a method that makes one picture a label map has it for every seed
    seed: (seed) => (column.seeds.includes(seed) || column.stochastic ? seed : column.seeds[0]),
    kind(seed) { return `${index}-${this.seed(seed)}`; },
  })),
];
const seeds = [...new Set(data.columns.flatMap((column) => column.seeds))].sort((a, b) => a - b);
const missing = Object.fromEntries(Object.entries(data.missing).map(([kind, rows]) => [kind, new Set(rows)]));
const present = data.present.map((classes) => new Set(classes.map(([id]) => id)));
const texts = data.ids.map((id, row) =>
  [id, ...data.present[row].map(([each]) => data.classes[each][0])].join("\n").toLowerCase());

// The view. sort: a measure's number, or -1 for the order of the ids. of: a column, or -1 for the mean over all.
const view = { seed: seeds[0], sort: -1, of: -1, down: false, classes: [], text: "", row: -1, open: "", left: 0, right: 0 };

// An id without what all ids begin and end with, up to a separator: what is left tells them apart in a narrow cell.
const [begins, ends] = (() => {
  const common = (texts) => {
    let length = 0;
    while (length < texts[0].length && texts.every((each) => each[length] === texts[0][length])) length++;
    return texts[0].slice(0, length).replace(/[^_-]*$/, "").length;
  };
  const back = (text) => [...text].reverse().join("");
  if (data.ids.length < 2) return [0, 0];
  return [common(data.ids), common(data.ids.map(back))];
})();

function shortId(row) { return data.ids[row].slice(begins, data.ids[row].length - ends) || data.ids[row]; }

function hasPicture(pane, row) {
  const seeded = pane.column === undefined || data.columns[pane.column].seeds.includes(pane.seed(view.seed));
  return seeded && !missing[pane.kind(view.seed)]?.has(row);
}

function fileName(kind, row, behind) {
  return `${encodeURIComponent(data.folder)}/${kind}/${String(row).padStart(5, "0")}${behind}.webp`;
}

function smallAddress(pane, row) {
  const kind = pane.kind(view.seed);
  return inline ? `data:image/webp;base64,${inline[kind][row]}` : fileName(kind, row, "");
}

function wholeAddress(pane, row) {
  const larger = Math.max(...data.size) > data.longSide;
  return larger ? fileName(pane.kind(view.seed), row, "-whole") : smallAddress(pane, row);
}

function describe(pane, row) {
  return `${pane.title}${pane.column === undefined ? "" : `, seed ${pane.seed(view.seed)}`}, ${data.ids[row]}`;
}

// A number of a column's picture, or null: of the chosen seed, or of all samples of the label map.
function number(measure, column, row) {
  const values = data.measures[measure].values[column];
  const pane = panes.find((each) => each.column === column);
  const found = values.all ?? values[pane.seed(view.seed)];
  return found?.[row] ?? null;
}

function sortValue(row) {
  if (view.sort < 0) return row;
  if (view.of >= 0) return number(view.sort, view.of, row);
  const found = data.columns.map((_, column) => number(view.sort, column, row)).filter((value) => value !== null);
  return found.length ? found.reduce((sum, value) => sum + value, 0) / found.length : null;
}

// The rows that are chosen, in their order; those without a number last.
function chosenRows() {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = data.ids.map((_, row) => row).filter((row) =>
    view.classes.every((each) => present[row].has(each)) && words.every((word) => texts[row].includes(word)));
  const values = new Map(rows.map((row) => [row, sortValue(row)]));
  const sign = view.down ? -1 : 1;
  return rows.sort((a, b) => {
    const [x, y] = [values.get(a), values.get(b)];
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    return sign * (x - y) || a - b;
  });
}

// The address's part behind "#" keeps the view; what it doesn't say, or says wrongly, is as at first.
function readAddress() {
  if (location.hash.startsWith("#number-")) return false;
  const said = new URLSearchParams(location.hash.slice(1));
  const whole = (name, least, most, otherwise) => {
    const value = said.has(name) && /^-?\d+$/.test(said.get(name)) ? Number(said.get(name)) : otherwise;
    return value >= least && value <= most ? value : otherwise;
  };
  const seed = whole("seed", 0, Infinity, seeds[0]);
  view.seed = seeds.includes(seed) ? seed : seeds[0];
  view.sort = whole("sort", -1, data.measures.length - 1, -1);
  view.of = whole("of", -1, data.columns.length - 1, -1);
  view.down = said.get("down") === "1";
  view.classes = (said.get("classes") ?? "").split(",").filter((each) => /^\d+$/.test(each)).map(Number)
    .filter((each) => each < data.classes.length);
  view.text = said.get("text") ?? "";
  view.row = data.ids.indexOf(said.get("row"));
  view.open = view.row >= 0 && ["all", "pair"].includes(said.get("open")) ? said.get("open") : "";
  view.left = whole("left", 0, panes.length - 1, Math.min(panes.length - 1, data.photograph ? 1 : 0));
  view.right = whole("right", 0, panes.length - 1, panes.length - 1);
  return true;
}

function writeAddress() {
  const said = new URLSearchParams();
  if (view.seed !== seeds[0]) said.set("seed", view.seed);
  if (view.sort >= 0) said.set("sort", view.sort);
  if (view.sort >= 0 && view.of >= 0) said.set("of", view.of);
  if (view.down) said.set("down", 1);
  if (view.classes.length) said.set("classes", view.classes.join(","));
  if (view.text) said.set("text", view.text);
  if (view.row >= 0) said.set("row", data.ids[view.row]);
  if (view.open) said.set("open", view.open);
  if (view.open) said.set("left", view.left);
  if (view.open) said.set("right", view.right);
  history.replaceState(null, "", `#${said}`);
}

// The classes of a row's label map by pixel of the small picture; a promise.
const unpacked = new Map();
function classMap(row) {
  if (!unpacked.has(row)) {
    const bytes = Uint8Array.from(atob(data.maps[row]), (each) => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    unpacked.set(row, new Response(stream).arrayBuffer().then((buffer) =>
      data.classes.length > 256 ? new Uint16Array(buffer) : new Uint8Array(buffer)));
  }
  return unpacked.get(row);
}

// The class at a place of a row's pictures, x and y from 0 to 1; a promise.
async function classAt(row, x, y) {
  const [width, height] = data.small;
  const column = Math.min(width - 1, Math.max(0, Math.floor(x * width)));
  const line = Math.min(height - 1, Math.max(0, Math.floor(y * height)));
  return (await classMap(row))[line * width + column];
}

function element(tag, fields = {}, ...children) {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
}

function swatch(id) {
  const made = element("span", { className: "swatch" });
  made.style.background = data.classes[id][1];
  return made;
}
