// What a page of ours stands in.

import { MantineProvider } from "@mantine/core";
import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { theme } from "./theme";
import "./mantine.css";
import "virtual:theme.css";
import "./colours.css";

/** Puts it there; returns what takes it away. Mantine writes no styles into the page: the policy of our pages refuses them. */
export function show(content: ReactNode, place: HTMLElement): () => void {
  const root = createRoot(place);
  root.render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
        {content}
      </MantineProvider>
    </StrictMode>,
  );
  return () => root.unmount();
}
