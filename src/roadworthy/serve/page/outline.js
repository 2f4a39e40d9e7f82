// Boxes with their names, drawn on a picture.

/** label: beside the box.  sure: false draws the box thin and dashed.  width: of the picture. */
export function outline(context, box, colour, width, { label = "", sure = true } = {}) {
  const unit = Math.max(1, width / 300);
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = sure ? unit : Math.max(1, unit / 2);
  context.setLineDash(sure ? [] : [3 * unit, 2 * unit]);
  context.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
  context.setLineDash([]);
  if (label) {
    context.font = `bold ${8 * unit}px system-ui, sans-serif`;
    const side = 5 * unit + context.measureText(label).width;
    const [x, y] = [Math.max(0, Math.min(box[0], width - side)), Math.max(0, box[1] - 11 * unit)];
    context.fillRect(x, y, side, 10 * unit);
    context.fillStyle = "#000";
    context.fillText(label, x + 2.5 * unit, y + 8 * unit);
  }
}
