/** The kinds of resource that the plugin serves. A new kind is one file and one entry here. */

import { type AnyKind, anyKind } from "./kind";
import { release, service } from "./kinds/service/kind";

export const kinds: readonly AnyKind[] = [anyKind(service), anyKind(release)];
