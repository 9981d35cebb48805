import { anyKind } from "../../provider/kind";
import { serve } from "../../provider/protocol/serve";
import { container } from "./container";
import { network } from "./network";
import { docker } from "./stand-in";

void serve({ ...docker, kinds: [anyKind(network), anyKind(container)] });
