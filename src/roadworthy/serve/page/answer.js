// What logits say, as the server puts it: calibrated, and accepted only above the model's own threshold.

/** Softmax of logits / temperature. */
export function probabilities(logits, temperature) {
  const scaled = Array.from(logits, (logit) => logit / temperature);
  const top = Math.max(...scaled);
  const powers = scaled.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

/** By name: (probabilities, logits, temperature) to how sure an answer is. */
export const SCORES = {
  probability: (probs) => Math.max(...probs),
  margin: (probs) => {
    const sorted = [...probs].sort((a, b) => b - a);
    return sorted[0] - (sorted[1] ?? 0);
  },
  entropy: (probs) => probs.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0),
  energy: (_, logits, temperature) => {
    const top = Math.max(...logits);
    const sum = Array.from(logits).reduce((total, value) => total + Math.exp((value - top) / temperature), 0);
    return top + temperature * Math.log(sum);
  },
};

/**
 * The answer for one picture, in the form of the service's results.
 * model: as model/manifest.json tells it.  colourless: the picture lacks the colour that the model needs.
 */
export function answer(logits, model, name, top = 3, colourless = false) {
  const probs = probabilities(logits, model.temperature);
  const order = probs.map((_, i) => i).sort((a, b) => probs[b] - probs[a] || a - b);
  const predicted = model.classes[order[0]];
  const { kind, value, by_colour: others } = model.signs[predicted];
  const rejection = model.rejection;
  const score = rejection && SCORES[rejection.score];
  const sure = score ? score(probs, logits, model.temperature) >= rejection.threshold : null;
  const doubtful = colourless && sure !== false && others.length > 0;
  return {
    name,
    error: null,
    predicted,
    kind,
    value,
    confidence: probs[order[0]],
    accepted: doubtful ? false : sure,
    reason: doubtful ? `the picture has no colour, and without it ${kind} may be ${others.join(" or ")}` : null,
    alternatives: order.slice(1, top).map((i) => ({ class: model.classes[i], confidence: probs[i] })),
    box: null,
    found: null,
  };
}

/** The answer for a sign that the finder found, with its box; not accepted where the two are not sure together. */
export function foundAnswer({ box, logits, score }, model, name, top, colourless) {
  const said = { ...answer(logits, model, name, top, colourless), box, found: score };
  if (said.reason !== null || score * said.confidence >= model.finder.sure) {
    return said;
  }
  return { ...said, accepted: false, reason: model.rules.unsure_box };
}

/** Whether it is not accepted because it is not sure: another look may help. */
const unsure = (result) => result.accepted === false && result.reason === null;

/** Whether a first answer leaves so much open that a sign is looked for in the whole picture. */
export function wantsCloser(result, { rules }) {
  return unsure(result) || result.predicted === rules.no_sign;
}

/**
 * The answer from the first sign that a closer look found, with its box; the first answer where it found none.
 * Where neither is sure the surer of the two, but "no sign" never against what was found.
 */
export function surer(result, found, model, top, colourless) {
  if (!found.length) {
    return result;
  }
  const again = { ...answer(found[0].logits, model, result.name, top, colourless), box: found[0].box };
  const firstIsSurer = result.predicted !== model.rules.no_sign && result.confidence > again.confidence;
  return unsure(again) && firstIsSurer ? result : again;
}
