// The page: pictures in, answers out, by the model in this browser or the one on the server.

import { Camera } from "./camera.js";
import { History } from "./history.js";
import { Live } from "./live.js";
import { opened } from "./picture.js";
import { Server } from "./remote.js";
import { countryName, form, percent } from "./sign.js";
import { Stage } from "./stage.js";

const $ = (id) => document.getElementById(id);
const place = (name) => document.querySelector(`input[name=where][value=${name}]`);
const state = { model: null, local: null, meeting: null, trouble: null, finds: false, shown: null, working: 0 };
/** What is shown of a picture in which no sign was found. */
const NOTHING = { predicted: null, confidence: 0, accepted: null, reason: null, alternatives: [], box: null };
const history = new History($("history"), show);
const stage = new Stage($("canvas"), lookThere);
const camera = new Camera($("viewfinder"), $("video"));
const server = new Server(askForKey);
const live = new Live($, {
  server,
  remote: () => place("remote").checked,
  hasServer: () => !place("remote").disabled,
  model: () => state.model,
  finder: localModel,
  country: () => $("country").value,
  camera: cameraTrouble,
});

start();

async function start() {
  listen();
  samples();
  await (state.meeting = meet());
}

/** See who can answer: the server, this browser, both. */
async function meet() {
  const models = await server.models();
  state.finds = models?.[0]?.finds ?? false;
  place("remote").disabled = !models; // a static copy has no server to ask
  try {
    state.model = await (await server.read("model/manifest.json")).json();
    chooseCountry(state.model.countries);
    const { LocalModel } = await import("./local.js");
    state.local = await LocalModel.load(state.model, async (name) => (await server.read(name)).arrayBuffer());
    place("local").checked ||= place("local").disabled; // as it would have been without a key to ask for
    place("local").disabled = false;
  } catch (error) {
    state.trouble = error;
    place("local").disabled = true;
    place("remote").checked = Boolean(models);
    $("model").textContent = models ? without(error) : "No model can be had: neither in this browser nor from a server.";
    console.warn(error);
  }
  choose();
}

/** Why answers come from the server alone. */
function without(error) {
  if (error.status === 401) {
    return "Enter the API key to load the model.";
  }
  const why = error instanceof TypeError ? "the model could not be read into this browser" : error.message;
  return `Answers come from the server: ${why}.`;
}

function samples() {
  for (const [name, title] of Object.entries({ "stop.png": "Stop", "speed-60.png": "60", "no-entry.png": "No entry" })) {
    const button = document.createElement("button");
    button.type = "button";
    const picture = Object.assign(new Image(), { src: `samples/${name}`, alt: `Try the drawn sign “${title}”` });
    button.append(picture);
    button.addEventListener("click", async () => take([new File([await (await fetch(picture.src)).blob()], name)]));
    $("samples").append(button);
  }
}

/** Say which model answers and where, and offer what it can do there. */
function choose() {
  const remote = place("remote").checked;
  if (state.local) {
    const { classes, precision, input } = state.model;
    const where = remote ? "on the server" : "in this browser";
    $("model").textContent = `${classes.length} classes, ${input.size} px, ${precision}, ${where}`;
  }
  live.sayWhat();
  $("find-label").hidden = !(state.finds || state.local?.finder);
  $("find").disabled = remote ? !state.finds : Boolean(state.local && !state.local.finder);
}

/** The server wants a key, which nobody is asked for before. */
function askForKey() {
  $("key-label").hidden = false;
  if (server.key) {
    say(keyWanted(), true);
  }
}

/** What a person is told where the API's own words are for programs. */
const keyWanted = () => (server.key ? "The server does not take this API key." : "Type the API key above.");

/** The countries in whose form signs can be shown, the one that was chosen before first. */
function chooseCountry([home, ...others]) {
  const byName = others.toSorted((a, b) => countryName(a).localeCompare(countryName(b)));
  const countries = home === undefined ? [] : [home, ...byName];
  const names = countries.map((code) => Object.assign(document.createElement("option"), { value: code, textContent: countryName(code) }));
  $("country").replaceChildren(...names);
  const before = remembered();
  $("country").value = countries.includes(before) ? before : countries[0];
}

function remembered() {
  try {
    return localStorage.getItem("country");
  } catch {
    return null; // a browser may forbid it
  }
}

function listen() {
  document.querySelectorAll("input[name=where]").forEach((choice) => choice.addEventListener("change", () => live.stop().then(choose)));
  $("key").addEventListener("change", () => {
    server.key = $("key").value;
    say("");
    state.meeting = meet();
  });
  $("country").addEventListener("change", () => {
    try {
      localStorage.setItem("country", $("country").value);
    } catch {
      // It is then forgotten with the page.
    }
    if (state.shown) {
      showFace(state.shown.result);
    }
  });
  $("pick").addEventListener("click", () => $("files").click());
  $("files").addEventListener("change", () => take([...$("files").files]));
  const drop = $("drop");
  for (const [event, over] of Object.entries({ dragover: true, dragleave: false, drop: false })) {
    document.addEventListener(event, (given) => {
      given.preventDefault();
      drop.classList.toggle("over", over);
    });
  }
  document.addEventListener("drop", (event) => take([...event.dataTransfer.files]));
  document.addEventListener("paste", (event) => take([...event.clipboardData.files]));
  $("camera").addEventListener("click", () => camera.open().catch((error) => say(cameraTrouble(error), true)));
  $("stop").addEventListener("click", () => camera.close());
  $("live-open").addEventListener("click", () => {
    const shows = $("live").hidden;
    if (shows) {
      live.open();
    } else {
      live.close();
    }
    $("live-open").setAttribute("aria-expanded", String(shows));
  });
  $("shoot").addEventListener("click", async () => take([await camera.shoot()]));
  $("overlay").addEventListener("change", overlay);
  $("box").addEventListener("change", () => {
    const box = boxOf($("box").value);
    if (box === undefined) {
      say("A box is x1,y1,x2,y2 in pixels, x1 < x2 and y1 < y2.", true);
    } else {
      lookThere(box);
    }
  });
  $("whole").addEventListener("click", () => lookThere(null));
  $("csv").addEventListener("click", () => history.download());
  $("clear").addEventListener("click", () => {
    history.clear();
    $("result").hidden = true;
    buttons();
  });
}

/** Answer for files, one after the other; what is no picture says so and keeps none of the others back. */
async function take(files) {
  const told = [];
  let failed = false;
  for (const file of files) {
    say(`Looking at ${file.name} …`);
    try {
      const picture = await working(() => opened(file));
      const entries = await working(() => ask(picture, null));
      entries.forEach((entry) => history.add(entry));
      await show(entries[0] ?? { picture, result: NOTHING, together: [] });
      if (entries.length !== 1) {
        told.push(`${file.name}: ${entries.length || "no"} signs found`);
      }
    } catch (error) {
      failed = true;
      told.push(error.status === 401 ? keyWanted() : `${file.name}: ${error.message}`);
    }
  }
  say([...new Set(told)].join("; "), failed);
  $("files").value = "";
  buttons();
}

/** Show that something is under way while it is. */
async function working(work) {
  state.working += 1;
  $("spinner").hidden = false;
  try {
    await new Promise((done) => setTimeout(done, 30)); // the browser's own model holds the page up: paint before
    return await work();
  } finally {
    state.working -= 1;
    $("spinner").hidden = state.working === 0;
  }
}

/** One entry of the history for each answer: the picture, where in it, what was said, and its fellows. */
async function ask(picture, box) {
  const remote = place("remote").checked;
  const find = $("find").checked && !box;
  const local = remote ? null : await localModel();
  const begun = performance.now();
  let results;
  if (remote) {
    results = await server.predict(picture.blob, picture.name, { box, find: find && state.finds });
  } else if (find && local.finder) {
    results = await local.predictAll(picture.pixels, picture.name);
  } else {
    results = [await local.predict(picture.pixels, picture.name, box)];
  }
  const bad = results.find((result) => result.error);
  if (bad) {
    throw new Error(bad.error);
  }
  const ms = performance.now() - begun;
  const together = [];
  together.push(...results.map((result) => ({ picture, result, ms, where: remote ? "server" : "browser", together })));
  return together;
}

/** The model in this browser, once it is read.  What was meant for it is never sent to the server instead. */
async function localModel() {
  if (!state.local) {
    say("Reading the model, then your pictures …");
    await state.meeting;
  }
  if (!state.local) {
    const server = place("remote").disabled ? "" : "; give the picture again for the server to answer";
    throw state.trouble?.status === 401 ? state.trouble : new Error(`there is no model in this browser${server}`);
  }
  return state.local;
}

async function lookThere(box) {
  if (!state.shown || (box === null && $("box").value === "" && !state.shown.result.box)) {
    return;
  }
  try {
    const [entry] = await working(() => ask(state.shown.picture, box));
    history.add(entry);
    await show(entry);
    say("");
  } catch (error) {
    say(error.status === 401 ? keyWanted() : error.message, true);
  }
  buttons();
}

/** Put an answer on the page. */
async function show(entry) {
  state.shown = entry;
  const { result, picture, together } = entry;
  const none = result === NOTHING;
  const nothing = none || result.predicted === "no-sign";
  $("result").hidden = false;
  $("said").textContent = none ? "No signs found" : nothing ? "No sign" : result.predicted;
  $("meaning").textContent = meaning(result.predicted);
  const sure = result.accepted !== false;
  const doubt = result.reason ? `: ${result.reason}; do not act on it` : ": not sure, do not act on it";
  const found = typeof result.found === "number" ? `, ${percent(result.found)} that it is a sign` : "";
  $("sure").textContent = none ? "" : `${percent(result.confidence)} sure${found}${sure ? "" : doubt}`;
  $("sure").className = sure ? "good" : "doubt";
  $("meter").value = result.confidence;
  $("meter").hidden = $("less").hidden = none;
  showFace(result);
  showAll(entry);
  $("others").replaceChildren(
    ...result.alternatives.map((other) => {
      const text = [other.class, meaning(other.class), percent(other.confidence)].filter(Boolean).join(" · ");
      return Object.assign(document.createElement("li"), { textContent: text });
    }),
  );
  $("box").value = result.box ? result.box.map((edge) => Math.round(edge)).join(",") : "";
  $("latency").textContent = none ? picture.name : `${picture.name}: ${entry.ms.toFixed(0)} ms, ${entry.where}`;
  $("overlay").disabled = !state.local || nothing;
  const where = result.box ? `a box around ${result.predicted}` : "looked at as a whole";
  $("canvas").setAttribute("aria-label", `${picture.name}, ${where}`);
  stage.show(picture.bitmap, result.box, together.map((one) => one.result));
  await overlay();
}

const meaning = (name) => state.model?.signs[name]?.meaning ?? "";

/** The sign as it looks in the country that was chosen. */
function showFace({ predicted }) {
  const shown = form(predicted, state.model?.signs[predicted], $("country").value);
  $("form").hidden = !shown;
  $("face").src = shown?.src ?? "";
  $("face").alt = shown?.alt ?? "";
  $("code").textContent = shown?.caption ?? "";
}

/** Where several signs were found: all of them, to choose from. */
function showAll({ together, result }) {
  $("found").hidden = together.length < 2;
  $("found").replaceChildren(
    ...together.map((one) => {
      const item = document.createElement("li");
      const button = Object.assign(document.createElement("button"), {
        type: "button",
        textContent: `${one.result.predicted}, ${percent(one.result.confidence)}${one.result.accepted === false ? " (not sure)" : ""}`,
      });
      button.setAttribute("aria-pressed", String(one.result === result));
      button.addEventListener("click", async () => {
        await show(one);
        $("found").children[together.indexOf(one)].firstChild.focus(); // it was made anew
      });
      item.append(button);
      return item;
    }),
  );
}

async function overlay() {
  const { picture, result } = state.shown ?? {};
  if (!picture || !$("overlay").checked || !state.local || !state.model.classes.includes(result.predicted)) {
    stage.heat(null);
    return;
  }
  stage.heat(await working(() => state.local.saliency(picture.pixels, result.predicted, result.box)));
}

/** The box that a person wrote: null for none, undefined for what is no box. */
function boxOf(text) {
  const edges = text.split(/[\s,]+/).filter(Boolean).map(Number);
  if (!edges.length) {
    return null;
  }
  const [x1, y1, x2, y2] = edges;
  return edges.length === 4 && x1 < x2 && y1 < y2 ? edges : undefined;
}

function buttons() {
  $("csv").disabled = $("clear").disabled = !history.size;
  $("empty").hidden = history.size > 0;
}

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

function cameraTrouble(error) {
  const known = {
    NotAllowedError: "The camera may not be used here; allow it in the browser.",
    NotFoundError: "There is no camera.",
    NotReadableError: "The camera is in use elsewhere.",
  };
  return known[error.name] ?? `The camera cannot be used: ${error.message}`;
}
