import { show } from "../frame";
import { SignIn } from "./dialog";

/** The dialog before a page that it is no part of. */
export function ask(): Promise<void> {
  const place = document.createElement("div");
  document.body.append(place);
  return new Promise((come) => {
    const gone = show(
      <SignIn
        done={() => {
          gone();
          place.remove();
          come();
        }}
      />,
      place,
    );
  });
}
