import type { StandIn } from "../served";

/** The version of `@pulumi/docker` that this stand-in answers for. */
export const docker: StandIn = { name: "docker", version: "5.2.0" };
