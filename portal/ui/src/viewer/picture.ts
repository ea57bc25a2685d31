// What is seen: the live picture, and the last one while there is no live one.

import { element } from "../element";

/** How often to look whether the first picture has come, in milliseconds. */
const LOOK_EVERY = 20;

export class Picture {
  private readonly screen = element("screen");
  private readonly last = element<HTMLCanvasElement>("last");
  private layer: HTMLElement | undefined;
  private canvas: HTMLCanvasElement | undefined;

  /** A place for a new connection to draw on; hidden until the first picture is complete. */
  newLayer(): HTMLElement {
    this.layer = document.createElement("div");
    this.layer.className = "live";
    this.screen.append(this.layer);
    return this.layer;
  }

  /** Shows the layer as soon as something is drawn on it. */
  async reveal(): Promise<void> {
    const layer = this.layer;
    const canvas = layer?.querySelector("canvas") ?? undefined;
    this.canvas = canvas;
    while (layer && layer === this.layer && !isDrawn(canvas)) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
    if (layer && layer === this.layer) this.screen.dataset.live = "";
  }

  /** Keeps the picture of the layer that goes. noVNC has taken its canvas off the page, but the pixels are there. */
  freeze(): void {
    const { canvas, last } = this;
    if (canvas && isDrawn(canvas)) {
      last.width = canvas.width;
      last.height = canvas.height;
      last.getContext("2d")?.drawImage(canvas, 0, 0);
    }
    delete this.screen.dataset.live;
    this.layer?.remove();
    this.layer = this.canvas = undefined;
  }
}

/** A canvas is transparent until its first update. */
function isDrawn(canvas: HTMLCanvasElement | undefined): boolean {
  if (!canvas?.width || !canvas.height) return false;
  return canvas.getContext("2d")?.getImageData(0, 0, 1, 1).data[3] === 255;
}
