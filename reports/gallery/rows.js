// The rows: a shell of fixed height for each label map, filled when it is near the window and emptied when it is not.

const shells = data.ids.map((_, row) => {
  const shell = element("div", { className: "row", role: "row" });
  shell.dataset.row = row;
  return shell;
});
let order = [];

let printing = false;

// Rows near the window are filled a few in a frame, and none while the page flies by; those far from it are emptied.
// All are of one height, so that a place in the window says which row is there.
const NEAR = 600; // pixels above and below the window
const TOGETHER = 25; // rows in a section
const BUDGET = 6; // milliseconds of a frame
const FAST = 120; // pixels in a frame
const filled = new Set();
let scheduled = false;
let before = 0;

function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(fillNear);
}

function fillNear() {
  scheduled = false;
  if (printing || !order.length) return;
  const flies = Math.abs(scrollY - before) > FAST;
  before = scrollY;
  const near = nearRows();
  const wanted = new Set(near);
  for (const row of filled) if (!wanted.has(row)) empty(row);
  if (flies) { schedule(); return; }
  const end = performance.now() + BUDGET;
  for (const row of near) {
    if (performance.now() > end) { schedule(); return; }
    fill(row);
  }
}

// The rows near the window, those in its middle first.
function nearRows() {
  const section = $("rows").querySelector(".section");
  const height = section.offsetHeight / section.childElementCount;
  const top = $("rows").getBoundingClientRect().top;
  const middle = (innerHeight / 2 - top) / height;
  const reach = (innerHeight / 2 + NEAR) / height;
  const first = Math.max(0, Math.floor(middle - reach));
  const near = order.slice(first, Math.max(0, Math.ceil(middle + reach)));
  const away = new Map(near.map((row, place) => [row, Math.abs(first + place - middle)]));
  return near.sort((a, b) => away.get(a) - away.get(b));
}

function empty(row) {
  filled.delete(row);
  shells[row].classList.remove("filled");
  shells[row].replaceChildren();
}

addEventListener("scroll", schedule, { passive: true });
addEventListener("resize", schedule);

function fill(row) {
  if (filled.has(row)) return;
  filled.add(row);
  shells[row].classList.add("filled");
  shells[row].append(...panes.map((pane, index) => cell(pane, index, row)));
}

function cell(pane, index, row) {
  const made = element("div", { className: pane.column === undefined ? `cell ${pane.title.split(" ")[0]}` : "cell", role: "cell" });
  if (hasPicture(pane, row)) {
    const [width, height] = data.small;
    const [loading, decoding] = printing ? ["eager", "sync"] : ["lazy", "async"];
    const picture = element("img", { alt: describe(pane, row), loading, decoding, width, height });
    picture.src = smallAddress(pane, row);
    const button = element("button", { type: "button", className: "picture", tabIndex: row === view.row ? 0 : -1 }, picture);
    button.dataset.pane = index;
    made.append(button);
  } else {
    made.append(element("span", { className: "picture absent", textContent: "no picture" }));
  }
  made.append(element("span", { className: "caption", textContent: caption(pane, row), title: index ? "" : data.ids[row] }));
  return made;
}

function caption(pane, row) {
  if (pane.kind(view.seed) === "label") return shortId(row);
  if (pane.column === undefined || view.sort < 0) return "";
  const value = number(view.sort, pane.column, row);
  return value === null ? "none" : value.toFixed(data.measures[view.sort].digits);
}

function refillRows() {
  for (const row of [...filled]) {
    empty(row);
    fill(row);
  }
}

// Puts the chosen rows in their order; the rest leave the page.
function placeRows() {
  order = chosenRows();
  const there = new Set(order);
  for (const row of [...filled]) if (!there.has(row)) empty(row);
  $("rows").replaceChildren(headRow(), ...sections());
  $("rows").setAttribute("aria-rowcount", order.length + 1);
  order.forEach((row, place) => shells[row].setAttribute("aria-rowindex", place + 2));
  $("nothing").hidden = order.length > 0;
  $("count").textContent = `${order.length} of ${data.ids.length} label maps`;
  if (!there.has(view.row)) view.row = -1;
  schedule();
}

// Rows stand in sections, which a browser passes over as a whole when they are not in the window.
function sections() {
  const made = [];
  for (let start = 0; start < order.length; start += TOGETHER) {
    const rows = order.slice(start, start + TOGETHER);
    const section = element("div", { className: "section", role: "rowgroup" });
    section.style.setProperty("--rows", rows.length);
    section.append(...rows.map((row) => shells[row]));
    made.push(section);
  }
  return made;
}

// For readers of the page aloud; the one that is seen stays at the top of the window.
function headRow() {
  const head = element("div", { className: "aloud", role: "row" });
  head.append(...panes.map((pane) => element("span", { role: "columnheader", textContent: pane.title })));
  return head;
}

function markRow(row, scroll) {
  if (view.row >= 0) {
    shells[view.row].classList.remove("current");
    for (const each of shells[view.row].querySelectorAll("button")) each.tabIndex = -1;
  }
  view.row = row;
  if (row < 0) return;
  shells[row].classList.add("current");
  fill(row);
  for (const each of shells[row].querySelectorAll("button")) each.tabIndex = 0;
  if (scroll) {
    shells[row].scrollIntoView({ block: "nearest" });
    shells[row].querySelector("button")?.focus({ preventScroll: true });
  }
}

// The row that is `by` places further on, from the first one that is seen if none is marked.
function step(by) {
  const place = order.indexOf(view.row);
  if (place >= 0) return order[Math.min(order.length - 1, Math.max(0, place + by))];
  return order.find((row) => shells[row].getBoundingClientRect().top >= $("head").getBoundingClientRect().bottom - 1)
    ?? order[0] ?? -1;
}

const head = $("head");
head.append(...panes.map((pane, index) => element("span", { className: index ? "" : "label", title: pane.title },
  element("b", { textContent: index + 1 }), ` ${pane.title}`)));
document.documentElement.style.setProperty("--columns", panes.length);
document.documentElement.style.setProperty("--shape", data.size[0] / data.size[1]);
document.documentElement.classList.toggle("portrait", data.size[1] > data.size[0]);
document.documentElement.classList.toggle("tiny", Math.max(...data.size) < data.longSide);

$("rows").addEventListener("click", (event) => {
  const button = event.target.closest("button.picture");
  if (!button) return;
  markRow(Number(button.closest(".row").dataset.row), false);
  openViewer("pair", Number(button.dataset.pane));
});

// The class under the pointer on a label map.
$("rows").addEventListener("pointermove", async (event) => {
  const picture = event.target.closest(".label img");
  if (!picture) { $("tip").hidden = true; return; }
  const box = picture.getBoundingClientRect();
  const row = Number(picture.closest(".row").dataset.row);
  const id = await classAt(row, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  $("tip").replaceChildren(swatch(id), ` ${data.classes[id][0]}`);
  $("tip").style.translate = `${event.clientX + 14}px ${event.clientY + 14}px`;
  $("tip").hidden = false;
});
$("rows").addEventListener("pointerleave", () => { $("tip").hidden = true; });

addEventListener("beforeprint", () => { printing = true; refillRows(); order.forEach(fill); });
addEventListener("afterprint", () => { printing = false; placeRows(); });
