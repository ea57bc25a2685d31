import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { themeStyles } from "./vite.theme.ts";

/** Puts `name.br` beside every file: the server sends it as it is, to whoever takes Brotli. */
function brotli(): Plugin {
  let folder = "";
  return {
    name: "brotli",
    configResolved: (config) => {
      folder = config.build.outDir;
    },
    closeBundle: () => {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path)));
      }
    },
  };
}

export default defineConfig({
  // Relative links: the same pages are served below `/` and below `/@SERVERID/`.
  base: "./",
  build: {
    target: "es2024",
    // Inlined assets would be data: URLs, which the page's policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "display.html", "balance.html"] },
  },
  plugins: [themeStyles(), react(), brotli()],
});
