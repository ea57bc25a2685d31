// The look of our pages for Mantine: the colours are those of colours.css. The build turns it into a file of styles.

import {
  type CSSVariablesResolver,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  type MantineThemeOverride,
  type VariantColorsResolver,
} from "@mantine/core";

const accent: MantineColorsTuple = [
  "#f0fdfa",
  "#ccfbf1",
  "#99f6e4",
  "#5eead4",
  "#2dd4bf",
  "#14b8a6",
  "#0d9488",
  "#0f766e",
  "#115e59",
  "#134e4a",
];
const dark: MantineColorsTuple = [
  "#e6eaee",
  "#c4ccd3",
  "#98a4af",
  "#84909b",
  "#2c343d",
  "#232a32",
  "#1a2027",
  "#101418",
  "#0c1013",
  "#080b0d",
];

/** Texts on a filled button are seen in the light and in the dark; Mantine would choose one colour for both. */
const readable: VariantColorsResolver = (input) => {
  const known = defaultVariantColorsResolver(input);
  if (input.variant !== "filled") return known;
  const color = "var(--on-accent)";
  return input.color === "red" ? { ...known, color, background: "var(--bad)", hover: "var(--bad)" } : { ...known, color };
};

export const theme: MantineThemeOverride = {
  colors: { accent, dark },
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 4 },
  variantColorResolver: readable,
  defaultRadius: "md",
  fontFamily: "system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, monospace",
  respectReducedMotion: true,
};

const ours = {
  "--mantine-color-body": "var(--back)",
  "--mantine-color-text": "var(--text)",
  "--mantine-color-dimmed": "var(--soft)",
  "--mantine-color-default": "var(--front)",
  "--mantine-color-default-color": "var(--text)",
  "--mantine-color-default-border": "var(--line)",
  "--mantine-color-error": "var(--bad)",
  "--mantine-color-placeholder": "var(--soft)",
};

export const variables: CSSVariablesResolver = () => ({ variables: {}, light: ours, dark: ours });
