// A drive over the service's socket, /v1/drive: one frame under way at a time, so none is passed over.

import { inBytes } from "./remote.js";

export class Drive {
  /**
   * The socket, open.  server: whose key it gives.  query: region and start as the service takes them.
   * Raises what a person should read.
   */
  static async open(server, query) {
    const path = `v1/drive?${new URLSearchParams(query)}`;
    const address = new URL(path, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const key = server.key ? [`roadworthy.key.${base64url(server.key)}`] : [];
    const drive = new Drive(new WebSocket(address, ["roadworthy.drive", ...key]));
    try {
      drive.begun = await drive.next();
    } catch {
      throw await reason(server, path);
    }
    return drive;
  }

  constructor(socket) {
    this.socket = socket;
    this.came = [];
    this.wanted = null;
    this.closed = false;
    socket.addEventListener("message", (event) => this.give(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      this.closed = true;
      this.wanted?.reject(new Error("the connection to the server was closed"));
    });
  }

  /** What the service says of one frame: its answer, or why it has none.  blob: JPEG.  timeS: of the drive. */
  async look(blob, timeS) {
    this.socket.send(JSON.stringify({ time_s: timeS }));
    this.socket.send(blob);
    return this.next();
  }

  /** Where the car was: fix as the service takes it. */
  locate(fix) {
    if (!this.closed) {
      this.socket.send(JSON.stringify({ fix }));
    }
  }

  /** The whole drive, which is over with this. */
  async end() {
    this.socket.send(JSON.stringify({ end: true }));
    let said;
    do {
      said = await this.next();
    } while (said.type !== "summary");
    this.close();
    return said;
  }

  close() {
    this.socket.close();
  }

  async next() {
    if (this.came.length) {
      return this.came.shift();
    }
    if (this.closed) {
      throw new Error("the connection to the server was closed");
    }
    return new Promise((resolve, reject) => {
      this.wanted = { resolve, reject };
    }).finally(() => {
      this.wanted = null;
    });
  }

  give(message) {
    if (this.wanted) {
      this.wanted.resolve(message);
      this.wanted = null;
    } else {
      this.came.push(message);
    }
  }
}

/** Why the socket did not open: a browser does not tell, but a plain request to the same place is. */
async function reason(server, path) {
  try {
    await server.ask(path);
  } catch (error) {
    if (error.status !== 426) {
      return error;
    }
  }
  return new Error("no live connection to the server can be had; something between may keep WebSockets out");
}

function base64url(text) {
  return btoa(inBytes(text)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
