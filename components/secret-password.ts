/** A password that the stack makes once. */
import * as pulumi from "@pulumi/pulumi";
import { Password } from "../provider/resources/generated";

/** `name`: of its resource. `keeper`: any text; another one than before makes a new password. */
export function createSecretPassword(
  parent: pulumi.Resource,
  name: string,
  keeper: pulumi.Input<string> | undefined,
): pulumi.Output<string> {
  const password = new Password(name, keeper === undefined ? {} : { keeper }, { parent });
  // Marked here as well: as long as it is not known, Pulumi does not take it for a secret.
  return pulumi.secret(password.value);
}
