// The server that this page came from, where there is one: a static copy has none.

export class Server {
  /** locked: called when the server asks for an API key, or for another one. */
  constructor(locked) {
    this.locked = locked;
    this.key = "";
  }

  /** What can answer there; null where nothing does. */
  async models() {
    try {
      const response = await this.ask("v1/models");
      return (await response.json()).models;
    } catch (error) {
      return error.status === 401 ? [] : null;
    }
  }

  /** A file beside this page, as a response. */
  async read(path) {
    return this.ask(path);
  }

  /** The answers for one picture: one, or with find one for each sign in it. */
  async predict(blob, name, { box = null, find = false, top = 3 } = {}) {
    const query = new URLSearchParams({ top, find });
    if (box) {
      query.set("box", box.map((edge) => edge.toFixed(1)).join(","));
    }
    const headers = { "content-type": "application/octet-stream" };
    const response = await this.ask(`v1/predict?${query}`, { method: "POST", body: blob, headers });
    const { results } = await response.json();
    return results.map((result) => ({ ...result, name, box: result.box ?? box }));
  }

  async ask(path, { headers = {}, ...request } = {}) {
    const key = this.key && { authorization: `Bearer ${inBytes(this.key)}` };
    const response = await fetch(path, { ...request, headers: { ...headers, ...key } });
    if (!response.ok) {
      if (response.status === 401) {
        this.locked();
      }
      const told = await response.json().catch(() => ({}));
      const reason = told.error ?? `${path} cannot be had (${response.status})`;
      throw Object.assign(new Error(reason), { status: response.status });
    }
    return response;
  }
}

/** A text as a string of its UTF-8 bytes: fetch sends each character of a header as one. */
export const inBytes = (text) => String.fromCharCode(...new TextEncoder().encode(text));
