// For pages that know no React: what asks comes when it is needed.

let asking: Promise<void> | undefined;

/** Asks a person who they are until it is right. Asked twice, it is one question. */
export function signIn(): Promise<void> {
  asking ??= import("./alone")
    .then(({ ask }) => ask())
    .finally(() => {
      asking = undefined;
    });
  return asking;
}
