"use strict";
(() => {
  const slides = [...document.querySelectorAll("section")];
  const still = new URLSearchParams(location.search).has("still");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const bar = document.querySelector(".controls");
  const play = bar.querySelector("[data-do=play]");
  const place = bar.querySelector("output");
  const done = bar.querySelector("progress");
  const lengths = slides.map((slide) => Number(slide.dataset.seconds));
  const whole = lengths.reduce((sum, one) => sum + one, 0);
  let at = 0, spent = 0, playing = false, last = 0;

  function show(index) {
    at = Math.min(Math.max(index, 0), slides.length - 1);
    spent = 0;
    slides.forEach((slide, i) => { slide.hidden = i !== at; });
    place.textContent = `${at + 1} / ${slides.length}`;
    tell();
  }
  function tell() {
    const before = lengths.slice(0, at).reduce((sum, one) => sum + one, 0);
    done.value = (before + spent) / whole;
    play.textContent = playing ? "Pause" : "Play";
  }
  function tick(now) {
    if (!playing) return;
    spent += Math.min((now - last) / 1000, 1);  // a page in the background does not run ahead
    last = now;
    if (spent >= lengths[at]) {
      if (at === slides.length - 1) playing = false; else show(at + 1);
    }
    tell();
    requestAnimationFrame(tick);
  }
  function run(wanted) {
    if (wanted && at === slides.length - 1 && spent >= lengths[at]) show(0);
    if (wanted === playing) return;
    playing = wanted;
    last = performance.now();
    tell();
    if (playing) requestAnimationFrame(tick);
  }
  const acts = { back: () => show(at - 1), play: () => run(!playing), forward: () => show(at + 1) };
  bar.addEventListener("click", (event) => acts[event.target.dataset.do]?.());
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.target.tagName === "BUTTON" && event.key === " ";  // the button is clicked anyway
    const act = {
      ArrowLeft: acts.back, ArrowRight: acts.forward, PageUp: acts.back, PageDown: acts.forward,
      Home: () => show(0), End: () => show(slides.length - 1), " ": onButton ? null : acts.play, k: acts.play,
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  function open() {
    const index = slides.findIndex((slide) => `#${slide.id}` === location.hash);
    show(index < 0 ? 0 : index);
  }
  addEventListener("hashchange", open);
  document.documentElement.classList.add(still ? "still" : "player");
  bar.hidden = still;
  open();
  if (!still && !calm) run(true);
})();
