/** Services on hosts, as many as asked for: the program whose cost is measured. */
const { readFileSync } = require("node:fs");
const pulumi = require("@pulumi/pulumi");

class Service extends pulumi.CustomResource {
  constructor(name, args) {
    super("trilithon:index:Service", name, args);
  }
}

const { hosts, resources } = JSON.parse(readFileSync(process.env.BENCHMARK_PROGRAM, "utf8"));

resources.forEach(({ name, file, content }, index) => {
  const host = hosts[index % hosts.length];
  new Service(name, {
    host: { ...host, privateKey: pulumi.secret(host.privateKey) },
    unit: `${name}.service`,
    files: { [file]: { content } },
  });
});
