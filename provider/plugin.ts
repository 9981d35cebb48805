/** The plugin `pulumi-resource-trilithon`. */

import { version } from "../package.json";
import { kinds } from "./kinds";
import { serve } from "./protocol/serve";

void serve({ name: "trilithon", version, kinds });
