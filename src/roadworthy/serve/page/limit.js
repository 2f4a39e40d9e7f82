// The limit that holds, as a sign and in words.

/** What stands in the sign: its number, `?` where nobody knows, `–` for none. */
export function limitText({ limit, state }) {
  if (state === "unlimited") {
    return "–";
  }
  return limit === null || state.startsWith("conditional") ? "?" : String(limit);
}

/** The same in words, with why. */
export function limitWords({ limit, state, event, condition }) {
  const because = [event && `by sign ${event}`, condition].filter(Boolean).join(": ");
  const said = {
    unlimited: "No limit",
    default: `${limit} km/h where no sign says otherwise`,
    unknown: "The limit is not known",
  };
  const words = state.startsWith("conditional") ? "The limit depends" : (said[state] ?? `Limit ${limit} km/h`);
  return because ? `${words}, ${because}` : words;
}

/** Seconds of a film as 1:02:03 or 2:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
