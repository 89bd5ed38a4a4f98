// One zoom for all pictures of the viewer: they share the part of the picture that is seen.

// larger: how many times. x, y: where the picture's corner is, in shares of the pane, from 1 - larger to 0.
const zoom = { larger: 1, x: 0, y: 0 };
const LARGEST = 32;

function showZoom() {
  zoom.x = Math.min(0, Math.max(1 - zoom.larger, zoom.x));
  zoom.y = Math.min(0, Math.max(1 - zoom.larger, zoom.y));
  const style = $("panes").style;
  style.setProperty("--larger", zoom.larger);
  style.setProperty("--x", `${zoom.x * 100}%`);
  style.setProperty("--y", `${zoom.y * 100}%`);
  $("zoom").textContent = `${Math.round(zoom.larger * 10) / 10}×`;
  const shown = $("panes").querySelector(".frame");
  if (shown) $("panes").classList.toggle("pixels", shown.clientWidth * zoom.larger > 1.5 * data.size[0]);
}

// Zooms by a factor; the place (x, y) of the pane, in shares, stays where it is.
function zoomBy(factor, x = 0.5, y = 0.5) {
  const larger = Math.min(LARGEST, Math.max(1, zoom.larger * factor));
  zoom.x = x - ((x - zoom.x) / zoom.larger) * larger;
  zoom.y = y - ((y - zoom.y) / zoom.larger) * larger;
  zoom.larger = larger;
  showZoom();
}

function moveBy(x, y) {
  zoom.x += x;
  zoom.y += y;
  showZoom();
}

function wholePicture() {
  Object.assign(zoom, { larger: 1, x: 0, y: 0 });
  showZoom();
}

// The place of a pointer in a frame, in shares of it.
function placeIn(frame, event) {
  const box = frame.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

const pointers = new Map();

$("panes").addEventListener("wheel", (event) => {
  const frame = event.target.closest(".frame");
  if (!frame) return;
  event.preventDefault();
  zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), ...placeIn(frame, event));
}, { passive: false });

$("panes").addEventListener("pointerdown", (event) => {
  const frame = event.target.closest(".frame");
  if (!frame || event.target.closest("input")) return;
  frame.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
});

$("panes").addEventListener("pointermove", (event) => {
  const frame = event.target.closest(".frame");
  if (!frame) return;
  showUnder(frame, event);
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const other = [...pointers.values()].find((each) => each.pointerId !== event.pointerId);
  pointers.set(event.pointerId, event);
  if (other) {
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    if (apart(before) > 0) zoomBy(apart(event) / apart(before), ...placeIn(frame, event));
  } else {
    moveBy((event.clientX - before.clientX) / frame.clientWidth, (event.clientY - before.clientY) / frame.clientHeight);
  }
});

for (const name of ["pointerup", "pointercancel"]) {
  $("panes").addEventListener(name, (event) => pointers.delete(event.pointerId));
}

$("in").onclick = () => zoomBy(1.5);
$("out").onclick = () => zoomBy(1 / 1.5);
