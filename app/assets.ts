/** The addresses of the static files, which carry a hash of their content: written in by app/build.mjs. */

export interface Assets {
  readonly style: string;
  readonly script: string;
}

declare const ASSETS: Assets;

export const assets: Assets = typeof ASSETS === "undefined" ? { style: "", script: "" } : ASSETS;
