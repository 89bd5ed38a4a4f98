// Seed, order, search, classes and colours: what stands above the rows.

function option(value, textContent) { return element("option", { value, textContent }); }

$("seeds").append(...seeds.map((seed) => element("label", {},
  element("input", { type: "radio", name: "seed", value: seed, onchange: () => chooseSeed(seed) }), `${seed}`)));
$("seeds").hidden = seeds.length < 2;
$("sort").append(option(-1, "id"), ...data.measures.map((measure, index) => option(index, measure.title)));
$("of").append(option(-1, "all methods, mean"), ...data.columns.map((column, index) => option(index, column.title)));

const counts = data.classes.map((_, id) => present.filter((classes) => classes.has(id)).length);
const chips = new Map(data.classes.map((_, id) => id).filter((id) => counts[id]).map((id) => {
  const chip = element("button", { type: "button", className: "chip", onclick: () => toggleClass(id) },
    swatch(id), `${data.classes[id][0]} `, element("span", { className: "quiet", textContent: counts[id] }));
  return [id, chip];
}));
$("classes").append(...chips.values());
$("legend").open = chips.size <= 40;

function chooseSeed(seed) {
  view.seed = seed;
  refillRows();
  if (data.measures[view.sort]) placeRows();
  showControls();
  refreshViewer();
}

function toggleClass(id) {
  view.classes = view.classes.includes(id) ? view.classes.filter((each) => each !== id) : [...view.classes, id];
  placeRows();
  showControls();
}

// Has everything say what the view is, and the address too.
function showControls() {
  for (const input of $("seeds").querySelectorAll("input")) input.checked = Number(input.value) === view.seed;
  $("sort").value = view.sort;
  $("of").value = view.of;
  $("of-label").hidden = view.sort < 0;
  $("order").textContent = view.down ? "↓ highest first" : "↑ lowest first";
  if ($("text").value !== view.text) $("text").value = view.text;
  for (const [id, chip] of chips) chip.setAttribute("aria-pressed", view.classes.includes(id));
  $("reset").hidden = !view.text && !view.classes.length;
  writeAddress();
}

function sorted() {
  placeRows();
  refillRows();
  showControls();
}

$("sort").onchange = () => { view.sort = Number($("sort").value); sorted(); };
$("of").onchange = () => { view.of = Number($("of").value); sorted(); };
$("order").onclick = () => { view.down = !view.down; sorted(); };
$("text").oninput = () => { view.text = $("text").value; placeRows(); showControls(); };
$("reset").onclick = () => { view.text = ""; view.classes = []; placeRows(); showControls(); };
$("controls").onsubmit = (event) => event.preventDefault();
$("help-button").onclick = () => $("help").showModal();
$("theme").onclick = otherTheme;

// A page that is opened from a disk may not be allowed to keep anything.
function kept(action) { try { return action(); } catch { return null; } }

function otherTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  kept(() => localStorage.setItem("sdm-bench-theme", root.dataset.theme));
}
const theme = kept(() => localStorage.getItem("sdm-bench-theme"));
if (["light", "dark"].includes(theme)) document.documentElement.dataset.theme = theme;

// What stands above keeps the window's width, and the head its place below it, however wide the rows are. On narrow
// windows the controls scroll away, and the head stands at the top.
function measureWindow() {
  const style = document.documentElement.style;
  style.setProperty("--window", `${document.documentElement.clientWidth}px`);
  style.setProperty("--above", getComputedStyle($("controls")).top === "0px" ? `${$("controls").offsetHeight}px` : "0px");
}
new ResizeObserver(measureWindow).observe($("controls"));
addEventListener("resize", measureWindow);

// A link to a number opens the account that it leads to.
function openAccount() {
  if (!location.hash.startsWith("#number-")) return;
  const account = $(location.hash.slice(1));
  if (!account) return;
  $("accounts").open = true;
  account.scrollIntoView();
}
