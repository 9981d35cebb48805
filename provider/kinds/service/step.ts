/** The things that are done for a Service. */

import type { Step } from "../../kind";
import type { File } from "./args";

export type ServiceStep = Step &
  (
    | { readonly do: "install"; readonly name: string; readonly version: string }
    | { readonly do: "create user"; readonly name: string; readonly home: string }
    | { readonly do: "write"; readonly path: string; readonly file: File }
    | { readonly do: "set mode"; readonly path: string; readonly file: File }
    | { readonly do: "remove"; readonly path: string }
    | { readonly do: "move aside"; readonly path: string }
    | { readonly do: "send"; readonly version: string }
    | { readonly do: "switch"; readonly version: string; readonly path: string }
    | { readonly do: "check" }
    | { readonly do: "unit"; readonly action: UnitAction; readonly drains: boolean }
    | { readonly do: "enable" | "disable" }
    | { readonly do: "wait" }
    | { readonly do: "later" }
    | { readonly do: "refuse" }
  );

export type UnitAction = "start" | "restart" | "reload" | "stop";
