// A film or the camera, frame by frame: boxes drawn in, and from the service the limit that holds.

import { Drive } from "./drive.js";
import { clock, limitText, limitWords } from "./limit.js";
import { outline } from "./outline.js";
import { follow, placeWords } from "./place.js";
import { form, percent } from "./sign.js";

const SURE = "#ff2bd6";
const UNSURE = "#ffd200";
const WIDEST = 1920; // pixels of a frame that is looked at
const A_SECOND = 10; // frames of a film that should be looked at; it is played more slowly where that takes longer
const SLOWEST = 0.1;
const SHOWN = 50; // signs in the list
const CAMERA_TROUBLE = ["NotAllowedError", "NotFoundError", "NotReadableError"];
const UNKNOWN = { limit: null, state: "unknown", event: "", condition: "" };
const WITHOUT = "Signs are found and read in this browser, frame by frame. Limits over time need the service";

export class Live {
  /**
   * page: gives an element by its id.
   * from: { server, remote, model, finder, country, camera } where remote() says whether the server answers,
   *     model() what model/manifest.json says, finder() resolves to the model in this browser, country() is
   *     whose signs are shown, camera(error) puts trouble with a camera in words, and hasServer() is there one.
   */
  constructor(page, from) {
    this.page = page;
    this.from = from;
    this.video = document.createElement("video");
    this.video.muted = this.video.playsInline = true;
    this.run = 0; // so that an old loop ends when a new one begins
    this.canvas = page("live-canvas");
    page("live-film").addEventListener("click", () => page("live-file").click());
    page("live-file").addEventListener("change", () => {
      const [file] = page("live-file").files;
      page("live-file").value = "";
      if (file) {
        this.begin(file.name, () => this.openFilm(file));
      }
    });
    page("live-camera").addEventListener("click", () => this.begin("Camera", (run) => this.openCamera(run)));
    page("live-stop").addEventListener("click", () => this.stop());
  }

  /** Show the part of the page, and what it can do now. */
  open() {
    const { page } = this;
    page("live").hidden = false;
    this.sayWhat();
    page("live-title").focus();
  }

  close() {
    this.stop();
    this.page("live").hidden = true;
  }

  /** Where frames are looked at, and what that leaves out; to be called again once more is known. */
  sayWhat() {
    this.offerRegions();
    const remote = this.from.remote();
    const choose = this.from.hasServer() ? ": choose “on the server” above." : ".";
    this.page("live-where").textContent = remote
      ? "Frames are sent to the server, which follows each sign and says which limit holds."
      : `${WITHOUT}${choose}`;
    for (const id of ["live-rules", "live-limit", "live-with-place"]) {
      this.page(id).hidden = !remote;
    }
  }

  /** Whose rules of the road there are, as soon as the server has told. */
  offerRegions() {
    const choice = this.page("live-region");
    const regions = Object.entries(this.from.model()?.regions ?? {});
    if (regions.length && !choice.options.length) {
      const made = ([value, textContent]) => Object.assign(document.createElement("option"), { value, textContent });
      choice.replaceChildren(...regions.map(made));
      choice.value = this.from.model().region;
    }
  }

  async begin(name, open) {
    await this.stop();
    const run = ++this.run;
    const { page } = this;
    this.say(`Opening ${name} …`);
    this.sayWhat();
    page("live-events").replaceChildren();
    page("live-limits").replaceChildren();
    page("live-after").hidden = true;
    this.showLimit(UNKNOWN);
    page("live-said").textContent = page("live-where-now").textContent = "";
    try {
      const start = await open(run);
      if (run !== this.run) {
        return;
      }
      page("live-stop").disabled = false;
      page("live-stage").hidden = false;
      this.say(name);
      await (this.from.remote() ? this.onServer(run, start) : this.inBrowser(run));
    } catch (error) {
      if (run === this.run) {
        this.say(CAMERA_TROUBLE.includes(error.name) ? this.from.camera(error) : error.message, true);
      }
    } finally {
      if (run === this.run) {
        this.letGo();
      }
    }
  }

  /** End what is looked at; the service then tells of the whole drive. */
  async stop() {
    this.stopped = true;
    await this.ending?.catch(() => {}); // whoever began it tells of it
    this.run += 1;
    this.letGo();
  }

  async openFilm(file) {
    const { video } = this;
    video.src = this.address = URL.createObjectURL(file);
    await new Promise((done, failed) => {
      video.onloadeddata = done;
      video.onerror = () => failed(new Error(`${file.name} is no film that this browser can play`));
    });
    this.film = true;
    await video.play();
    return {};
  }

  async openCamera(run) {
    if (!navigator.mediaDevices) {
      throw new Error("the camera needs this page served from this machine or over https");
    }
    const wanted = { facingMode: "environment", width: { ideal: 1280 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    if (run !== this.run) {
      stream.getTracks().forEach((track) => track.stop());
      return {};
    }
    this.video.srcObject = stream;
    this.film = false;
    await this.video.play();
    this.zero = performance.now();
    return { start: new Date().toISOString() };
  }

  letGo() {
    const { video } = this;
    video.pause();
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    video.removeAttribute("src");
    if (this.address) {
      URL.revokeObjectURL(this.address);
      this.address = null;
    }
    this.page("live-stop").disabled = true;
  }

  async onServer(run, start) {
    const drive = await Drive.open(this.from.server, { region: this.page("live-region").value || "default", ...start });
    const unfollow = this.followPlace(drive);
    this.ending = this.look(run, async (frame) => {
      const said = await drive.look(await jpeg(frame.canvas, drive.begun.max_frame_bytes), frame.timeS);
      if (said.type !== "frame") {
        this.say(said.error, true);
        return null;
      }
      said.events.forEach((event) => this.addEvent(event));
      this.showLimit(said.limit);
      this.showPlace(said.place);
      return said.boxes;
    })
      .then(async () => this.showWhole(await drive.end()))
      .finally(() => {
        unfollow();
        drive.close();
        this.ending = null;
      });
    await this.ending;
  }

  /** Send the place with the camera's frames, where that is wanted; returns what ends it. */
  followPlace(drive) {
    if (this.film || !this.page("live-place").checked) {
      return () => {};
    }
    const fail = (why) => {
      this.page("live-where-now").textContent = why;
    };
    return follow(this.zero, (fix) => drive.locate(fix), fail);
  }

  showPlace(place) {
    if (place) {
      this.page("live-where-now").textContent = placeWords(place);
    }
  }

  async inBrowser(run) {
    const model = await this.from.finder();
    if (!model.finder) {
      throw new Error("the model in this browser cannot find signs; it has no finder");
    }
    this.ending = this.look(run, async ({ canvas }) => {
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const found = await model.predictAll(pixels, "frame");
      return found.map((one) => ({ ...one, class: one.predicted }));
    }).finally(() => {
      this.ending = null;
    });
    await this.ending;
  }

  /** Frame after frame until the film is over or nobody wants more.  boxesOf: resolves to those in a frame. */
  async look(run, boxesOf) {
    const { video } = this;
    this.stopped = false;
    let [frames, last, pace] = [0, -1, null];
    while (run === this.run && !this.stopped && !video.ended) {
      const timeS = this.film ? video.currentTime : (performance.now() - this.zero) / 1000;
      if (timeS <= last || video.readyState < 2) {
        await nextFrame();
        continue;
      }
      last = timeS;
      const begun = performance.now();
      const frame = { canvas: grabbed(video), timeS };
      const boxes = await boxesOf(frame);
      if (boxes) {
        this.paint(frame.canvas, boxes);
      }
      const seconds = (performance.now() - begun) / 1000;
      pace = pace === null ? seconds : 0.8 * pace + 0.2 * seconds;
      frames += 1;
      this.showPace(pace, timeS, frames);
      await nextFrame();
    }
  }

  showPace(pace, timeS, frames) {
    const { video } = this;
    const rate = this.film ? Math.max(SLOWEST, Math.min(1, 1 / (A_SECOND * pace))) : 1;
    if (this.film && Math.abs(rate - video.playbackRate) > 0.1 * video.playbackRate) {
      video.playbackRate = rate;
    }
    const slower = video.playbackRate < 0.95 ? `, played at ${Math.round(100 * video.playbackRate)} % of its speed` : "";
    this.page("live-pace").textContent = `${clock(timeS)}: ${frames} frames, ${(1 / pace).toFixed(1)} a second${slower}`;
  }

  paint(frame, boxes) {
    const { canvas } = this;
    canvas.width = frame.width;
    canvas.height = frame.height;
    const context = canvas.getContext("2d");
    context.drawImage(frame, 0, 0);
    for (const one of boxes) {
      const label = one.trail === undefined ? one.class : `${one.trail} ${one.class}`;
      outline(context, one.box, one.accepted ? SURE : UNSURE, canvas.width, { label, sure: one.accepted !== false });
    }
    const names = boxes.map((one) => one.class + (one.accepted === false ? " (not sure)" : ""));
    canvas.setAttribute("aria-label", names.length ? `The frame, with ${names.join(", ")}` : "The frame, without signs");
  }

  showLimit(limit) {
    const { page } = this;
    const words = limitWords(limit);
    page("live-limit").textContent = limitText(limit);
    page("live-limit").classList.toggle("unknown", limitText(limit) === "?");
    if (page("live-said").textContent !== words) {
      page("live-said").textContent = words; // read out, so only when it changes
    }
  }

  addEvent(event) {
    const item = document.createElement("li");
    const shown = form(event.class, this.from.model()?.signs[event.class], this.from.country());
    if (shown) {
      item.append(Object.assign(new Image(), { src: shown.src, alt: "", width: 32, height: 32 }));
    }
    const doubt = event.accepted ? "" : ", not sure";
    const others = event.counts ? "" : `; not for this car: ${event.why}`;
    const plates = event.plates ? `, ${event.plates}` : "";
    const words = `${event.event} ${event.class}${plates}, passed at ${clock(event.passed_s)}, ${percent(event.confidence)}${doubt}${others}`;
    item.append(Object.assign(document.createElement("span"), { textContent: words }));
    this.page("live-events").prepend(item);
    this.page("live-events").children[SHOWN]?.remove();
  }

  showWhole({ events, limits, frames }) {
    const { page } = this;
    page("live-events").replaceChildren();
    events.forEach((event) => this.addEvent(event));
    const rows = limits.map((row) => {
      const made = document.createElement("tr");
      const words = [`${clock(row.from_s)} to ${clock(row.to_s)}`, limitText(row), limitWords(row)];
      made.append(...words.map((textContent) => Object.assign(document.createElement("td"), { textContent })));
      return made;
    });
    page("live-limits").replaceChildren(...rows);
    page("live-after").hidden = !rows.length;
    const count = `${events.length || "no"} ${events.length === 1 ? "sign" : "signs"}`;
    this.say(`It is over: ${frames} frames, ${count} passed`);
  }

  say(text, bad = false) {
    this.page("live-status").textContent = text;
    this.page("live-status").classList.toggle("bad", bad);
  }
}

/** The frame that a video shows now, on a canvas of its own. */
function grabbed(video) {
  const scale = Math.min(1, WIDEST / video.videoWidth);
  const canvas = new OffscreenCanvas(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** As JPEG, coarser where the service would not take it otherwise. */
async function jpeg(canvas, most) {
  let blob;
  for (const quality of [0.92, 0.8, 0.6]) {
    blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    if (blob.size <= most) {
      break;
    }
  }
  return blob;
}

const nextFrame = () => new Promise((done) => setTimeout(done, 10)); // a hidden page has no animation frames
