// The picture that is looked at: its boxes, the heat map of what decided the answer, and a box drawn by hand.

import { outline } from "./outline.js";

const CHOSEN = "#ff2bd6";
const OTHER = "#ffd200";
const DRAWN = "#00c2ff";
const LEAST_PX = 192; // tiny crops are shown larger

export class Stage {
  /** drawn: called with [x1, y1, x2, y2] once a box was drawn. */
  constructor(canvas, drawn) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.bitmap = this.box = this.map = this.from = null;
    this.all = [];
    canvas.addEventListener("pointerdown", (event) => {
      this.from = this.place(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.from) {
        this.paint(this.between(this.from, this.place(event)));
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      const box = this.from && this.between(this.from, this.place(event));
      this.from = null;
      if (box && box[2] - box[0] >= 4 && box[3] - box[1] >= 4) {
        drawn(box);
      } else {
        this.paint();
      }
    });
    canvas.addEventListener("pointercancel", () => {
      this.from = null;
      this.paint();
    });
  }

  /**
   * box: of the answer that is shown.  all: { box, predicted, accepted } of every answer for this picture; several
   * are numbered from 1.
   */
  show(bitmap, box, all) {
    this.bitmap = bitmap;
    this.box = box;
    this.all = all;
    this.map = null;
    this.canvas.width = bitmap.width;
    this.canvas.height = bitmap.height;
    this.canvas.style.width = bitmap.width < LEAST_PX ? `${LEAST_PX}px` : "";
    this.paint();
  }

  /** map: rows of numbers from 0 to 1 over the box (the whole picture without one); null for none. */
  heat(map) {
    this.map = map;
    this.paint();
  }

  paint(drawing = null) {
    if (!this.bitmap) {
      return;
    }
    const { context, canvas } = this;
    context.drawImage(this.bitmap, 0, 0);
    const [x1, y1, x2, y2] = this.box ?? [0, 0, canvas.width, canvas.height];
    this.map?.forEach((row, i) =>
      row.forEach((value, j) => {
        context.fillStyle = `rgb(255 60 0 / ${0.65 * value})`;
        const [width, height] = [(x2 - x1) / row.length, (y2 - y1) / this.map.length];
        context.fillRect(x1 + j * width, y1 + i * height, width, height);
      }),
    );
    const several = this.all.length > 1;
    const chosen = ({ box }) => Boolean(box) && String(box) === String(this.box);
    // The chosen one last, so that no other is drawn over it.
    [...this.all.keys()]
      .sort((a, b) => chosen(this.all[a]) - chosen(this.all[b]))
      .forEach((i) => {
        const { box, predicted, accepted } = this.all[i];
        const colour = chosen(this.all[i]) ? CHOSEN : OTHER;
        this.outline(box, colour, { label: several ? `${i + 1} ${predicted}` : predicted, sure: accepted !== false });
      });
    this.outline(drawing, DRAWN);
  }

  outline(box, colour, how) {
    if (box) {
      outline(this.context, box, colour, this.canvas.width, how);
    }
  }

  place(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const within = (value, most) => Math.min(most, Math.max(0, value));
    return [
      within(((event.clientX - left) * this.canvas.width) / width, this.canvas.width),
      within(((event.clientY - top) * this.canvas.height) / height, this.canvas.height),
    ];
  }

  between([ax, ay], [bx, by]) {
    return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
  }
}
