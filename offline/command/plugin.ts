import { anyKind } from "../../provider/kind";
import { serve } from "../../provider/protocol/serve";
import { localCommand } from "./local-command";
import { command } from "./stand-in";

void serve({ ...command, kinds: [anyKind(localCommand)] });
