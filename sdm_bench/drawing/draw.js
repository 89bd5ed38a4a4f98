"use strict";
// The page: tools and keys, edits that are asked for and shown, the history.

const find = (id) => document.getElementById(id);
const history_ = [];
let painting, about, tool = "brush", chosen = 0, job = null, shown = null, last = null;

async function ask(path, body) {
  const how = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, how);
  } catch {
    throw new Error("the program does not answer; was it ended?");
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error || `error ${answer.status}`);
  return found;
}

function say(text, wrong = false) {
  find("status").textContent = text;
  find("status").classList.toggle("wrong", wrong);
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
}

function unpacked(text) {
  const view = new DataView(bytesOf(text).buffer);
  return Int16Array.from({ length: view.byteLength / 2 }, (_, place) => view.getInt16(2 * place, true));
}

function packed(label) {
  const view = new DataView(new ArrayBuffer(2 * label.length));
  label.forEach((value, place) => view.setInt16(2 * place, value, true));
  let text = "";
  for (const each of new Uint8Array(view.buffer)) text += String.fromCharCode(each);
  return btoa(text);
}

function take(name) {
  tool = name;
  for (const each of ["brush", "fill", "pick"]) find(each).setAttribute("aria-pressed", String(each === name));
}

function choose(place) {
  chosen = place;
  for (const each of find("classes").children) {
    const is = Number(each.dataset.place) === place;
    each.setAttribute("aria-checked", String(is));
    each.tabIndex = is ? 0 : -1;
  }
}

function palette() {
  const order = [...about.present, ...about.classes.keys()].filter((place, at, all) => all.indexOf(place) === at);
  for (const place of order) {
    const button = document.createElement("button");
    const chip = document.createElement("canvas");
    chip.width = chip.height = 1;
    const context = chip.getContext("2d");
    context.fillStyle = `rgb(${about.classes[place].color.join(" ")})`;
    context.fillRect(0, 0, 1, 1);
    button.type = "button";
    button.dataset.place = place;
    button.setAttribute("role", "radio");
    button.append(chip, about.classes[place].name);
    button.addEventListener("click", () => choose(place));
    find("classes").append(button);
  }
  find("classes").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = order[(order.indexOf(chosen) + step + order.length) % order.length];
    choose(next);
    find("classes").querySelector(`[data-place="${next}"]`).focus();
  });
  choose(order[0]);
}

function buttons() {
  find("undo").disabled = !painting.done.length;
  find("redo").disabled = !painting.undone.length;
  find("make").disabled = job !== null;
  find("cancel").disabled = job === null;
  find("save").disabled = shown === null;
}

function pointer() {
  const canvas = painting.canvas;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const at = painting.at(event);
    if (tool === "pick") {
      if (painting.inside(...at)) choose(painting.label[at[1] * painting.width + at[0]]);
      take("brush");
      return;
    }
    canvas.setPointerCapture(event.pointerId);
    painting.begin();
    if (tool === "fill") painting.fill(...at, chosen);
    else painting.line(at, at, Number(find("size").value), chosen);
    last = at;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!painting.before || tool !== "brush") return;
    const at = painting.at(event);
    painting.line(last, at, Number(find("size").value), chosen);
    last = at;
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => painting.end());
}

function show(entry) {
  const figures = entry.pictures.map(({ seed, picture }) => {
    const figure = document.createElement("figure"), image = document.createElement("img");
    const caption = document.createElement("figcaption");
    image.src = picture;
    image.alt = `Edited picture, seed ${seed}`;
    caption.textContent = `seed ${seed}`;
    figure.append(image, caption);
    return figure;
  });
  find("shown").replaceChildren(find("shown").firstElementChild, ...figures);
}

function remember(entry) {
  history_.push(entry);
  const item = document.createElement("li"), button = document.createElement("button"), image = document.createElement("img");
  image.src = entry.pictures[0].picture;
  image.alt = "";
  button.type = "button";
  button.append(image, `edit ${history_.length}`);
  button.title = "Show it, with its label map";
  button.addEventListener("click", () => {
    painting.replace(entry.label);
    show(entry);
    shown = entry;
    say(`edit ${history_.indexOf(entry) + 1}`);
    buttons();
  });
  item.append(button);
  find("history").prepend(item);
}

const pause = (milliseconds) => new Promise((then) => setTimeout(then, milliseconds));

async function make() {
  if (job !== null) return;
  if (!painting.edited()) {
    say("nothing is painted: the label map is that of the picture", true);
    return;
  }
  const count = Number(find("count").value), first = Number(find("seed").value);
  const label = painting.label.slice(), bar = find("progress");
  const seeds = Array.from({ length: about.stochastic ? count : 1 }, (_, place) => first + place);
  job = -1;
  buttons();
  try {
    job = (await ask("edit", { label: packed(label), seeds, margin: Number(find("margin").value) })).job;
    const number = job;
    bar.hidden = false;
    for (;;) {
      const found = await ask(`jobs/${number}`);
      bar.max = found.steps;
      bar.value = found.done;
      if (found.pictures.length) show(found);
      if (found.state === "running") {
        say(`step ${found.done} of ${found.steps}`);
        await pause(150);
        continue;
      }
      if (found.state === "failed") throw new Error(found.error);
      if (found.state === "cancelled") {
        say("cancelled");
        if (shown) show(shown);
        else show({ pictures: [] });
      } else {
        shown = { pictures: found.pictures, label, job: number };
        remember(shown);
        say(`done: ${found.erased} pixels made anew`);
      }
      break;
    }
  } catch (error) {
    say(error.message, true);
  }
  bar.hidden = true;
  job = null;
  buttons();
}

async function cancel() {
  if (job === null) return;
  say("cancelling");
  await ask("cancel", {}).catch((error) => say(error.message, true));
}

async function save() {
  if (shown === null) return;
  await ask("save", { job: shown.job }).then(({ folder }) => say(`saved in ${folder}`), (error) => say(error.message, true));
}

function through(percent) {
  find("through").value = percent;
  painting.opacity = 1 - percent / 100;
  painting.draw();
}

const KEYS = {
  b: () => take("brush"),
  f: () => take("fill"),
  p: () => take("pick"),
  "[": () => { find("size").stepDown(); },
  "]": () => { find("size").stepUp(); },
  o: () => through(Number(find("through").value) ? 0 : 60),
  z: () => painting.undo(),
  y: () => painting.redo(),
  s: save,
  Enter: make,
  Escape: cancel,
};

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input[type='number']") && event.key.length === 1;
  const pressing = event.target.matches("button") && event.key === "Enter";
  if (typing || pressing || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
}

async function begin() {
  about = await ask("state");
  find("about").textContent = `${about.method}, ${about.dataset}, ${about.width}×${about.height}`;
  for (const id of ["source", "under"]) find(id).src = about.picture;
  find("count").max = about.most_seeds;
  find("margin").max = about.most_margin;
  find("count").disabled = !about.stochastic;
  const label = unpacked(about.label);
  painting = new Painting(find("canvas"), about.width, about.height, label, about.classes.map(({ color }) => color));
  painting.changed = buttons;
  palette();
  pointer();
  for (const name of ["brush", "fill", "pick"]) find(name).addEventListener("click", () => take(name));
  find("undo").addEventListener("click", KEYS.z);
  find("redo").addEventListener("click", KEYS.y);
  find("reset").addEventListener("click", () => painting.replace(painting.source));
  find("through").addEventListener("input", (event) => through(Number(event.target.value)));
  find("make").addEventListener("click", make);
  find("cancel").addEventListener("click", cancel);
  find("save").addEventListener("click", save);
  document.addEventListener("keydown", keys);
  buttons();
  say("paint what should be there, then Make");
}

begin().catch((error) => say(error.message, true));
