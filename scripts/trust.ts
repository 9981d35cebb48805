/** `npm run trust`: whom to trust for a stack's page, and how that is said to systems and browsers. */
import { writeFileSync } from "node:fs";
import { readCommandLine } from "./command-line";
import { runMain } from "./setup/say";
import { renderTrust } from "./trust/render";
import { readEndpoints } from "./verify/outputs";

runMain(async () => {
  const line = readCommandLine({
    name: "npm run trust --",
    about:
      "Says how systems and browsers are told to trust a stack's own authority, which signs the certificate of its page. Changes\n" +
      "nothing on this machine.",
    options: {
      output: {
        type: "string",
        value: "FILE",
        about: "write the authority's certificate (PEM) there",
      },
    },
  });
  if (line === undefined) return 0;
  const { stack, values } = line;
  const { ca, domain, tlsPort } = await readEndpoints(stack);
  if (tlsPort === undefined) {
    throw new Error(`stack ${stack}: its load balancers end no TLS: see trilithon:https`);
  }
  if (ca === undefined) {
    throw new Error(
      `stack ${stack}: its certificate is given: systems trust it, or trilithon:https.ca says whom to trust`,
    );
  }
  if (values.output !== undefined) writeFileSync(values.output, ca);
  process.stdout.write(renderTrust({ stack, domain, ca, file: values.output }));
  return 0;
});
