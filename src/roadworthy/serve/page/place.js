// Where this device is, as long as somebody wants to know: fixes as the service takes them, and words.

const LEAST_ACCURATE_M = 250; // beyond it the service takes no fix
const FASTEST_M_S = 90;
const OLDEST_S = 5;
const TROUBLE = {
  1: "The place is not sent: this page may not know it",
  2: "The place is not known here",
  3: "The place is not known yet",
};

/** What the service is sent of a browser's position; null where it is of no use.  takenS, lastS: of the drive. */
export function fixOf({ latitude, longitude, accuracy, speed, heading }, takenS, lastS) {
  const timeS = takenS > -OLDEST_S ? Math.max(0, takenS) : -1; // a device tells what it knew just before, too
  if (timeS <= lastS || accuracy > LEAST_ACCURATE_M || (latitude === 0 && longitude === 0)) {
    return null;
  }
  const fix = { lat: latitude, lon: longitude, time_s: timeS, accuracy_m: accuracy };
  if (speed !== null && speed >= 0 && speed <= FASTEST_M_S) {
    fix.speed_m_s = speed;
  }
  if (Number.isFinite(heading)) {
    fix.course_deg = heading;
  }
  return fix;
}

/** A frame's place in words. */
export function placeWords(place) {
  if (!place) {
    return "";
  }
  const speed = place.speed_m_s === null ? "" : `${Math.round(3.6 * place.speed_m_s)} km/h at `;
  const error = place.accuracy_m === null ? "" : `, give or take ${Math.round(place.accuracy_m)} m`;
  return `${speed}${place.lat.toFixed(5)}, ${place.lon.toFixed(5)}${error}`;
}

/**
 * Tell each fix from now on, until the function that this returns is called.
 * zero: performance.now() of the drive's zero.  tell: takes a fix.  fail: takes what a person should read.
 */
export function follow(zero, tell, fail) {
  if (!navigator.geolocation) {
    fail("This browser does not tell the place");
    return () => {};
  }
  let last = -1;
  const came = ({ coords, timestamp }) => {
    const age = Math.max(0, Date.now() - timestamp);
    const fix = fixOf(coords, (performance.now() - age - zero) / 1000, last);
    if (fix) {
      last = fix.time_s;
      tell(fix);
    }
  };
  const failed = ({ code }) => fail(TROUBLE[code] ?? "The place is not known");
  const watch = navigator.geolocation.watchPosition(came, failed, { enableHighAccuracy: true, maximumAge: 0 });
  return () => navigator.geolocation.clearWatch(watch);
}
