// The administrator's page: which server a new session starts on, or a login goes to.

import { createRoot } from "react-dom/client";
import { Page } from "./page";

const place = document.getElementById("page");
if (place) createRoot(place).render(<Page />);
