// A camera: opened when asked for, closed when done with.

export class Camera {
  constructor(panel, video) {
    this.panel = panel;
    this.video = video;
  }

  async open() {
    if (!navigator.mediaDevices) {
      throw new Error("this page must be served from this machine or over https");
    }
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    this.video.srcObject = stream;
    this.panel.hidden = false;
  }

  close() {
    this.video.srcObject?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
    this.panel.hidden = true;
  }

  /** The frame that is seen now, as a file. */
  async shoot() {
    const canvas = new OffscreenCanvas(this.video.videoWidth, this.video.videoHeight);
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/png" });
    return new File([blob], `camera ${new Date().toLocaleTimeString()}.png`, { type: "image/png" });
  }
}
