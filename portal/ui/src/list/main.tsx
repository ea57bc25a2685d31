// The page with my sessions.

import { element } from "../element";
import { show } from "../frame";
import { openFromAddress } from "../sign-in/key";
import { Page } from "./page";
import "./list.css";

await openFromAddress();
show(<Page />, element("page"));
