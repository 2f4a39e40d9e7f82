// The model on the server that this page came from.

export class RemoteModel {
  /** key: the API key, where the server asks for one. */
  constructor(key = "") {
    this.key = key;
  }

  /** The answers for one picture: one, or with find one for each sign in it. */
  async predict(blob, name, { box = null, find = false, top = 3 } = {}) {
    const query = new URLSearchParams({ top, find });
    if (box) {
      query.set("box", box.map((edge) => edge.toFixed(1)).join(","));
    }
    const headers = { "content-type": "application/octet-stream" };
    if (this.key) {
      headers.authorization = `Bearer ${this.key}`;
    }
    const response = await fetch(`v1/predict?${query}`, { method: "POST", body: blob, headers });
    const body = await response.json().catch(() => ({ error: `the server answered ${response.status}` }));
    if (!response.ok) {
      throw new Error(body.error);
    }
    return body.results.map((result) => ({ ...result, name }));
  }
}
