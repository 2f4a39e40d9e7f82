// How a sign looks, in the form of the country that a person chose, and how sure an answer is, in words.

const regions = new Intl.DisplayNames(["en"], { type: "region" });

/** `au` as Australia. */
export const countryName = (code) => (/^[a-z]{2}$/.test(code) ? regions.of(code.toUpperCase()) : code);

/**
 * The form of a sign: { src, alt, caption }, of another country where the chosen one has none; null for no face.
 * known: what model/manifest.json says of the class.
 */
export function form(name, known, country) {
  const shown = known?.faces[country] ? country : Object.keys(known?.faces ?? {})[0];
  if (!shown) {
    return null;
  }
  const where = countryName(shown);
  const code = `${known.faces[shown]}, ${where}`;
  return {
    src: `faces/${shown}/${encodeURIComponent(name)}.png`,
    alt: `The sign ${name} as it looks in ${where}`,
    caption: shown === country ? code : `${code} (none in ${countryName(country)})`,
  };
}

/** A share from 0 to 1 in per cent; nothing is quite certain, nor impossible. */
export function percent(share) {
  if (share >= 0.9995) {
    return ">99.9 %";
  }
  return share < 0.0005 ? "<0.1 %" : `${(100 * share).toFixed(1)} %`;
}
