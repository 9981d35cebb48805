/**
 * Pulumi's SDK writes each answer of the engine into its debug log as it stands, secrets in plain. Imported by every
 * resource class for its effect: the log names the answer, and does not show it.
 */
import { InvokeResponse } from "@pulumi/pulumi/proto/provider_pb";
import { ReadResourceResponse, RegisterResourceResponse } from "@pulumi/pulumi/proto/resource_pb";

for (const answer of [RegisterResourceResponse, ReadResourceResponse, InvokeResponse]) {
  answer.prototype.toString = () => "[not shown: it may hold secrets]";
}
