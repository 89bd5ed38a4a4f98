// Pictures at full size: all of a label map side by side, or two of them with a slider between.

for (const name of ["left", "right"]) {
  $(name).append(...panes.map((pane, index) => option(index, pane.title)));
  $(name).onchange = () => { view[name] = Number($(name).value); refreshViewer(); showControls(); };
}

// open: "all", or "pair" with the picture of `pane` on the right.
function openViewer(open, pane) {
  view.open = open;
  if (pane !== undefined) view.right = pane;
  if (view.left === view.right) view.left = view.right === 0 ? panes.length - 1 : 0;
  if (!$("viewer").open) $("viewer").showModal();
  wholePicture();
  refreshViewer();
  showControls();
}

function refreshViewer() {
  if (!view.open || view.row < 0) return;
  const pair = view.open === "pair";
  $("viewer-title").textContent = data.ids[view.row];
  $("mode").textContent = pair ? "Side by side" : "Slider";
  $("pair").hidden = !pair;
  $("left").value = view.left;
  $("right").value = view.right;
  $("panes").className = pair ? "one" : "all";
  $("panes").replaceChildren(...(pair ? [sliderPane()] : panes.map(plainPane)));
  $("under").replaceChildren();
  $("present").replaceChildren(...presentClasses());
  layOut();
}

function plainPane(pane) {
  return element("figure", {}, element("div", { className: "frame" }, whole(pane)), numbersOf(pane));
}

function whole(pane) {
  if (!hasPicture(pane, view.row)) return element("span", { className: "absent", textContent: "no picture" });
  return element("img", { src: wholeAddress(pane, view.row), alt: describe(pane, view.row), draggable: false });
}

function numbersOf(pane) {
  const caption = element("figcaption", {}, element("b", { textContent: pane.title }));
  if (pane.column === undefined) return caption;
  const found = data.measures.map((measure, index) => [measure, number(index, pane.column, view.row)])
    .filter(([, value]) => value !== null);
  caption.append(...found.map(([measure, value]) =>
    element("span", { textContent: ` ${measure.short} ${value.toFixed(measure.digits)}`, title: measure.title })));
  return caption;
}

function sliderPane() {
  const [left, right] = [panes[view.left], panes[view.right]];
  const over = element("div", { className: "over" }, whole(right));
  const range = element("input", { type: "range", min: 0, max: 100, step: 0.5, value: cut });
  range.setAttribute("aria-label", `Share of ${left.title} that is seen`);
  const frame = element("div", { className: "frame" }, whole(left), over, element("div", { className: "edge" }), range);
  const show = () => { cut = Number(range.value); frame.style.setProperty("--cut", `${cut}%`); };
  range.oninput = show;
  show();
  const captions = element("div", { className: "captions" }, numbersOf(left), numbersOf(right));
  return element("figure", {}, frame, captions);
}
let cut = 50;

function presentClasses() {
  const all = data.present[view.row].reduce((sum, [, pixels]) => sum + pixels, 0);
  return [...data.present[view.row]].sort((a, b) => b[1] - a[1]).map(([id, pixels]) =>
    element("span", { className: "class" }, swatch(id), `${data.classes[id][0]} ${share(pixels / all)}`));
}

function share(part) { return part < 0.01 ? "< 1 %" : `${Math.round(100 * part)} %`; }

// The largest frames of the pictures' shape of which all fit into the viewer.
function layOut() {
  const count = $("panes").childElementCount;
  const style = getComputedStyle($("panes"));
  const gap = parseFloat(style.columnGap);
  const width = $("panes").clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const height = $("panes").clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  const caption = 46 * (view.open === "pair" && width < 600 ? 2 : 1);
  const shape = data.size[0] / data.size[1];
  let best = 0;
  for (let columns = 1; columns <= count; columns++) {
    const lines = Math.ceil(count / columns);
    const across = (width - gap * (columns - 1)) / columns;
    best = Math.max(best, Math.min(across, ((height - gap * (lines - 1)) / lines - caption) * shape));
  }
  $("panes").style.setProperty("--frame", `${Math.max(Math.min(160, width), Math.floor(best))}px`);
  showZoom();
}
addEventListener("resize", () => { if (view.open) layOut(); });

// The class of the label map under the pointer, whichever picture that is on.
async function showUnder(frame, event) {
  const row = view.row;
  const [x, y] = placeIn(frame, event);
  const id = await classAt(row, (x - zoom.x) / zoom.larger, (y - zoom.y) / zoom.larger);
  if (row === view.row) $("under").replaceChildren(swatch(id), ` ${data.classes[id][0]}`);
}

function otherMode() { openViewer(view.open === "pair" ? "all" : "pair"); }

function showRow(row) {
  if (row < 0) return;
  markRow(row, true);
  refreshViewer();
  writeAddress();
}

$("mode").onclick = otherMode;
$("previous").onclick = () => showRow(step(-1));
$("next").onclick = () => showRow(step(1));
$("close").onclick = () => $("viewer").close();
$("viewer").addEventListener("close", () => {
  view.open = "";
  writeAddress();
  // this comes some time after the key, and who types in the meantime goes on
  if (document.activeElement !== $("text")) shells[view.row]?.querySelector("button")?.focus({ preventScroll: true });
});
