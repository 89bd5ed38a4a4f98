// The four views: consent, a pair, the pause, the end.

const VIEWS = ["consent", "pair", "pause", "end"];
// Milliseconds in which a key is still that of the pair before.
const BLIND = 200;
// The pair in sight. began: when, of the clock; spent: before a pause. open: whether it takes an answer. turn: counts.
const shown = { began: 0, spent: 0, open: false, turn: 0 };

function view(name) {
  for (const each of VIEWS) $(each).hidden = each !== name;
}

function current() {
  return order[participant.answers.length];
}

function sides() {
  const { item, swapped } = current();
  const [first, second] = study.items[item].pictures;
  return swapped ? { left: second, right: first } : { left: first, right: second };
}

async function showPair() {
  if (isDone()) return showEnd();
  takeNone();
  shown.turn += 1;
  const { turn } = shown;
  const { item } = current();
  const { size, legend } = study.items[item];
  document.documentElement.style.setProperty("--shape", size[0] / size[1]);
  $("pair").classList.toggle("small", Math.max(...size) < 200);
  $("progress").max = order.length;
  $("progress").value = participant.answers.length;
  $("place").textContent = `${participant.answers.length + 1} of ${order.length}`;
  const { left, right } = sides();
  const loaded = [load($("left-picture"), left), load($("right-picture"), right)];
  if ($("label")) {
    loaded.push(load($("label"), item));
    $("legend").replaceChildren(...legend.map(named));
  }
  view("pair");
  try {
    await Promise.all(loaded);
  } catch {
    if (turn === shown.turn) trouble("This browser can't show a picture. Please use another one.");
    return;
  }
  shown.spent = 0;
  if (turn === shown.turn && !$("pair").hidden) takeAnswer();
}

function load(image, name) {
  image.src = `data:image/webp;base64,${pictures[name]}`;
  return image.decode();
}

function named([name, color]) {
  const whole = document.createElement("span");
  const swatch = document.createElement("i");
  swatch.style.background = color;
  whole.append(swatch, name);
  return whole;
}

function takeAnswer() {
  shown.began = performance.now();
  shown.open = true;
  for (const side of ["left", "right"]) $(side).disabled = false;
}

function takeNone() {
  shown.open = false;
  for (const side of ["left", "right"]) $(side).disabled = true;
}

function choose(side) {
  const now = performance.now();
  if (!shown.open || (shown.spent === 0 && now - shown.began < BLIND)) return;
  const { item, showing } = current();
  const there = sides();
  takeNone();
  answer({ item, showing, ...there, chosen: there[side], milliseconds: Math.round(shown.spent + now - shown.began) });
  showPair();
}

function pause() {
  if ($("pair").hidden) return;
  if (shown.open) shown.spent += performance.now() - shown.began;
  takeNone();
  const rest = order.length - participant.answers.length;
  $("left-over").textContent = rest === 1 ? "One pair is left." : `${rest} pairs are left.`;
  view("pause");
  $("resume").focus();
}

async function goOn() {
  if ($("pause").hidden) return;
  const { spent } = shown;
  await showPair();
  shown.spent = spent;
}

function showEnd() {
  takeNone();
  const stored = session !== null && !waiting.length;
  $("stored").hidden = !stored;
  $("take").hidden = session !== null;
  view("end");
  $("downloaded").hidden = $("another").hidden = !participant.downloaded;
  $("file-name").textContent = `answers-${participant.participant}.csv`;
  if (session === null) $("download").focus();
}

function nextParticipant() {
  forget();
  startAnew();
}

function startAnew() {
  $("agree").checked = false;
  $("start").disabled = true;
  view("consent");
  $("agree").focus();
}
