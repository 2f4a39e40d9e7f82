// What logits say, as the server puts it: calibrated, and accepted only above the model's own threshold.

/** Softmax of logits / temperature. */
export function probabilities(logits, temperature) {
  const scaled = Array.from(logits, (logit) => logit / temperature);
  const top = Math.max(...scaled);
  const powers = scaled.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

const SCORES = {
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

/** The answer for one picture, in the form of the service's results. */
export function answer(logits, manifest, name, top = 3) {
  const probs = probabilities(logits, manifest.temperature);
  const order = probs.map((_, i) => i).sort((a, b) => probs[b] - probs[a] || a - b);
  const predicted = manifest.classes[order[0]];
  const { kind, value } = kindAndValue(predicted);
  const rejection = manifest.rejection;
  const score = rejection && SCORES[rejection.score];
  return {
    name,
    error: null,
    predicted,
    kind,
    value,
    confidence: probs[order[0]],
    accepted: score ? score(probs, logits, manifest.temperature) >= rejection.threshold : null,
    alternatives: order.slice(1, top).map((i) => ({ class: manifest.classes[i], confidence: probs[i] })),
    box: null,
  };
}

/** `speed-60` as its stem and its number; a name without one is its own stem. */
export function kindAndValue(name) {
  const match = /^(.+)-(\d+)$/.exec(name);
  return match ? { kind: match[1], value: Number(match[2]) } : { kind: name, value: null };
}
