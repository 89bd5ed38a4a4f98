// Buttons and keys, and the first look at the page.

const keys = { ArrowLeft: () => choose("left"), ArrowRight: () => choose("right"), 1: () => choose("left"), 2: () => choose("right"), p: pause };

addEventListener("keydown", (event) => {
  // a key that is held down answers once
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || $("pair").hidden) return;
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});

document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); });
for (const side of ["left", "right"]) $(side).addEventListener("click", () => choose(side));
$("agree").addEventListener("change", () => { $("start").disabled = !$("agree").checked; });
$("start").addEventListener("click", () => { keep(); showPair(); });
$("pause-button").addEventListener("click", pause);
$("resume").addEventListener("click", goOn);
$("download").addEventListener("click", () => { download(); showEnd(); });
$("next-participant").addEventListener("click", nextParticipant);

if (isDone()) showEnd();
else if (participant.answers.length) {
  view("pair");
  pause();
} else startAnew();
