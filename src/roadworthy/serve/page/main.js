// The page: pictures in, answers out, by the model in this browser or the one on the server.

import { Camera } from "./camera.js";
import { History } from "./history.js";
import { RemoteModel } from "./remote.js";
import { Stage } from "./stage.js";

const $ = (id) => document.getElementById(id);
const MOST_PIXELS = 16_000_000; // of a picture that is held here
const state = { local: null, shown: null };
const history = new History($("history"), show);
const stage = new Stage($("canvas"), lookThere);
const camera = new Camera($("viewfinder"), $("video"));

start();

async function start() {
  listen();
  const served = await fetch("healthz").then((response) => response.ok, () => false);
  // A static copy has no server to ask.
  document.querySelector("input[name=where][value=remote]").disabled = !served;
  try {
    const { LocalModel } = await import("./local.js");
    state.local = await LocalModel.load();
    const { classes, precision, input } = state.local.manifest;
    $("model").textContent = `${classes.length} classes, ${input.size} px, ${precision}, in this browser`;
  } catch (error) {
    document.querySelector("input[name=where][value=local]").disabled = true;
    if (served) {
      document.querySelector("input[name=where][value=remote]").checked = true;
      choose();
      $("model").textContent = "Answers come from the server; the model could not be read into this browser.";
    } else {
      $("model").textContent = "No model can be had: neither in this browser nor from a server.";
    }
    console.warn(error);
  }
  for (const [name, file] of Object.entries({ "stop.png": "Stop", "speed-60.png": "60", "no-entry.png": "No entry" })) {
    const button = document.createElement("button");
    button.type = "button";
    const picture = Object.assign(new Image(), { src: `samples/${name}`, alt: file });
    button.append(picture);
    button.addEventListener("click", async () => take([new File([await (await fetch(picture.src)).blob()], name)]));
    $("samples").append(button);
  }
}

/** What only the server can do, or asks for, is shown where it is to answer. */
function choose() {
  const remote = document.querySelector("input[name=where]:checked").value === "remote";
  $("find-label").hidden = $("key-label").hidden = !remote;
}

function listen() {
  document.querySelectorAll("input[name=where]").forEach((choice) => choice.addEventListener("change", choose));
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
  for (const file of files) {
    say(`Looking at ${file.name} …`);
    try {
      const entries = await ask(await opened(file), null);
      entries.forEach((entry) => history.add(entry));
      if (entries.length) {
        await show(entries[0]);
      }
      if (entries.length !== 1) {
        told.push(`${file.name}: ${entries.length || "no"} signs found`);
      }
    } catch (error) {
      told.push(`${file.name}: ${error.message}`);
    }
  }
  say(told.join("; "), told.length > 0);
  $("files").value = "";
  buttons();
}

/** One entry of the history for each answer: the picture, where in it, and what was said. */
async function ask(picture, box) {
  const begun = performance.now();
  const remote = document.querySelector("input[name=where]:checked").value === "remote";
  let results;
  if (remote) {
    const find = $("find").checked && !box;
    results = await new RemoteModel($("key").value).predict(picture.blob, picture.name, { box, find });
  } else {
    if (!state.local) {
      throw new Error("there is no model in this browser");
    }
    results = [await state.local.predict(picture.pixels, picture.name, box)];
  }
  const bad = results.find((result) => result.error);
  if (bad) {
    throw new Error(bad.error);
  }
  const ms = performance.now() - begun;
  return results.map((result) => ({ picture, result, ms, where: remote ? "server" : "browser" }));
}

async function lookThere(box) {
  if (!state.shown || (box === null && $("box").value === "" && !state.shown.result.box)) {
    return;
  }
  try {
    const [entry] = await ask(state.shown.picture, box);
    history.add(entry);
    await show(entry);
    say("");
  } catch (error) {
    say(error.message, true);
  }
  buttons();
}

/** Put an answer on the page. */
async function show(entry) {
  state.shown = entry;
  const { result, picture } = entry;
  const nothing = result.predicted === "no-sign";
  $("result").hidden = false;
  $("said").textContent = nothing ? "No sign" : result.predicted;
  const sure = result.accepted !== false;
  $("sure").textContent = `${(100 * result.confidence).toFixed(1)} % sure${sure ? "" : ": not sure, do not act on it"}`;
  $("sure").className = sure ? "good" : "doubt";
  $("meter").value = result.confidence;
  $("face").hidden = nothing;
  $("face").src = nothing ? "" : `faces/${result.predicted}.png`;
  $("face").alt = nothing ? "" : `The sign ${result.predicted}`;
  $("face").onerror = () => {
    $("face").hidden = true;
  };
  $("others").replaceChildren(
    ...result.alternatives.map((other) =>
      Object.assign(document.createElement("li"), {
        textContent: `${other.class}, ${(100 * other.confidence).toFixed(1)} %`,
      }),
    ),
  );
  $("box").value = result.box ? result.box.map((edge) => Math.round(edge)).join(",") : "";
  $("latency").textContent = `${picture.name}: ${entry.ms.toFixed(0)} ms, ${entry.where}`;
  $("overlay").disabled = !state.local || nothing;
  stage.show(picture.bitmap, result.box);
  await overlay();
}

async function overlay() {
  const { picture, result } = state.shown ?? {};
  if (!picture || !$("overlay").checked || !state.local || !state.local.manifest.classes.includes(result.predicted)) {
    stage.heat(null);
    return;
  }
  stage.heat(await state.local.saliency(picture.pixels, result.predicted, result.box));
}

/** A file as pixels; raises what a person should read. */
async function opened(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error("is no picture that this browser can read");
  }
  if (bitmap.width * bitmap.height > MOST_PIXELS) {
    throw new Error(`has ${bitmap.width} x ${bitmap.height} pixels; at most 16 million are taken`);
  }
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.fillStyle = "rgb(128 128 128)"; // what shows through, as on the server
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return { name: file.name || "pasted picture", blob: file, bitmap, pixels };
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
