import { convertCssVariables, DEFAULT_THEME, defaultCssVariablesResolver, mergeMantineTheme } from "@mantine/core";
import type { Plugin } from "vite";
import { theme, variables } from "./src/theme.ts";

const NAME = "virtual:theme.css";

/** The theme as a file of styles: what Mantine would write into the page by a script, the page's policy refuses. */
export function themeStyles(): Plugin {
  return {
    name: "theme-styles",
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) => (id === `\0${NAME}` ? css() : undefined),
  };
}

function css(): string {
  const whole = mergeMantineTheme(DEFAULT_THEME, theme);
  const [known, ours] = [defaultCssVariablesResolver(whole), variables(whole)];
  return convertCssVariables({
    variables: { ...known.variables, ...ours.variables },
    light: { "--mantine-color-scheme": "light", ...known.light, ...ours.light },
    dark: { "--mantine-color-scheme": "dark", ...known.dark, ...ours.dark },
  });
}
