import type { StandIn } from "../served";

/** The version of `@pulumi/command` that this stand-in answers for. */
export const command: StandIn = { name: "command", version: "1.2.1" };
