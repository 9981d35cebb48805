import { AccessDenied } from "../../provider/errors";
import type { Host } from "../../provider/kind";
import { Pool } from "../../provider/ssh/pool";

/** Whether a new connection gets in by the host's key. */
export async function isLetIn(host: Host): Promise<boolean> {
  const pool = new Pool();
  try {
    await pool.ask(host, { script: "true", doing: "trying a key" });
    return true;
  } catch (error) {
    if (error instanceof AccessDenied) return false;
    throw error;
  } finally {
    await pool.close();
  }
}
