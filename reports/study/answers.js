// Who answers, what was answered so far, and where it goes: to the server that gave the page, or into a file.

const $ = (id) => document.getElementById(id);
const [study, pictures, session] = ["data", "pictures", "session"].map((id) => JSON.parse($(id).textContent));
const FIELDS = ["study", "participant", "form", "seed", "position", "item", "showing", "left", "right", "chosen", "milliseconds"];
const KEPT = `study-${study.study}-${study.form}`;
const AGAIN = 2000;

// Without a server the browser keeps the answers, so that a page that was closed goes on where it was.
let participant = session ?? kept() ?? newParticipant();
let order = ownOrder();
// Answers that the server hasn't acknowledged yet.
const waiting = [];
let sending = false;

function ownOrder() {
  return orderOf(Object.keys(study.items), study.repeats, participant.seed);
}

function newParticipant() {
  const [low, high, seed] = crypto.getRandomValues(new Uint32Array(3));
  const digits = [low, high].map((each) => each.toString(16).padStart(8, "0")).join("");
  return { participant: `p${digits}`, seed, form: study.form, answers: [] };
}

// null where the browser refuses to keep anything.
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

function keep(value = participant) {
  if (session) return;
  try {
    localStorage.setItem(KEPT, JSON.stringify(value));
  } catch {
    $("come-back").hidden = true;
    trouble("This browser keeps nothing. Don't close the page before you have downloaded your answers.");
  }
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

function answer(fields) {
  const { answers, participant: name, form, seed } = participant;
  answers.push({ study: study.study, participant: name, form, seed, position: answers.length + 1, ...fields });
  keep();
  if (session) {
    waiting.push(answers.at(-1));
    send();
  }
}

async function send() {
  if (sending) return;
  sending = true;
  while (waiting.length) {
    const { problem, final } = await post(waiting[0]);
    trouble(problem);
    if (final) return giveUp();
    if (problem) await new Promise((go) => setTimeout(go, AGAIN));
    else waiting.shift();
  }
  sending = false;
  if (isDone()) showEnd();
}

// problem: empty if the answer is stored. final: whether trying again is of no use.
async function post(fields) {
  const how = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) };
  try {
    const reply = await fetch(location.pathname, how);
    if (reply.ok) return { problem: "", final: false };
    if (reply.status === 409) return { problem: "This link was used in another window. Reload the page to go on.", final: true };
    return { problem: `Your answer is not stored yet: ${(await reply.text()).trim()}. Trying again.`, final: false };
  } catch {
    return { problem: "Your answer is not stored yet: no connection. Trying again; please don't close the page.", final: false };
  }
}

function giveUp() {
  waiting.length = 0;
  takeNone();
  view(null);
}

function isDone() {
  return participant.answers.length >= order.length;
}

function asCSV() {
  const lines = participant.answers.map((each) => FIELDS.map((field) => each[field]).join(","));
  return [FIELDS.join(","), ...lines, ""].join("\n");
}

function download() {
  const file = URL.createObjectURL(new Blob([asCSV()], { type: "text/csv" }));
  const link = document.createElement("a");
  [link.href, link.download] = [file, `answers-${participant.participant}.csv`];
  link.click();
  setTimeout(() => URL.revokeObjectURL(file), 60_000);
  participant.downloaded = true;
  keep();
}

function forget() {
  participant = newParticipant();
  order = ownOrder();
  keep(null);
}

addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });
