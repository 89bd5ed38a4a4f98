// The keys, and the first look at the page.

const keys = {
  j: () => showRow(step(1)),
  k: () => showRow(step(-1)),
  s: () => chooseSeed(seeds[(seeds.indexOf(view.seed) + 1) % seeds.length]),
  r: () => $("order").click(),
  d: otherTheme,
  v: () => { if (view.open) otherMode(); },
  "+": () => { if (view.open) zoomBy(1.5); },
  "-": () => { if (view.open) zoomBy(1 / 1.5); },
  0: () => { if (view.open) wholePicture(); },
  "/": () => $("text").focus(),
  "?": () => ($("help").open ? $("help").close() : $("help").showModal()),
  a: () => openRow("all"),
};

function openRow(open, pane) {
  if (view.row < 0) markRow(step(1), true);
  if (view.row >= 0) openViewer(open, pane);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input:not([type=range], [type=radio]), select, textarea");
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (($("help").open && event.key !== "?") || ($("viewer").open && event.key === "/")) return;
  const pane = /^[1-9]$/.test(event.key) ? Number(event.key) - 1 : -1;
  if (pane >= panes.length || (pane < 0 && !Object.hasOwn(keys, event.key))) return;
  event.preventDefault();
  if (pane >= 0) openRow("pair", pane);
  else keys[event.key]();
});

function showView() {
  const { row, open } = view;
  placeRows();
  refillRows();
  if (row >= 0 && order.includes(row)) markRow(row, true);
  showControls();
  if (open && view.row >= 0) openViewer(open);
  else if ($("viewer").open) $("viewer").close();
}

addEventListener("hashchange", () => { if (readAddress()) showView(); else openAccount(); });
measureWindow();
if (readAddress()) showView();
else {
  placeRows();
  openAccount();
}
