// Whether this page can do what a model asks for.  What it cannot do it refuses: a guess would be another answer.

import { SCORES } from "./answer.js";
import { RULES } from "./resize.js";

// The network itself normalises, and a crop is the box that a person gives: neither is the page's to do.
const INPUT = {
  size: (value) => Number.isInteger(value) && value > 0,
  resize: (value) => RULES.includes(value),
  normalise: (value) => ["per-image", "unit"].includes(value),
  crop: (value) => /^(full|roi|margin=[\d.]+)$/.test(value),
};

/** Why this page would not answer as the server does, in a line; null where it does. */
export function refusal({ input, rejection, windows, classes }) {
  for (const [name, value] of [input, windows?.input ?? {}].flatMap(Object.entries)) {
    if (!INPUT[name]?.(value)) {
      return `the model asks for ${name} = ${JSON.stringify(value)}, which this page cannot do; let the server answer`;
    }
  }
  if (rejection && !Object.hasOwn(SCORES, rejection.score)) {
    return `the model judges by ${JSON.stringify(rejection.score)}, which this page cannot compute; let the server answer`;
  }
  if (windows && windows.classes.join() !== classes.join()) {
    return "the model that finds signs knows other classes than the one that reads them; let the server answer";
  }
  return null;
}
