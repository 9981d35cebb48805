/** The picture of a stack as SVG, in the colours of whoever looks: light or dark. */
import type { EndpointHost, Endpoints, Service } from "../verify/endpoints";
import { type Box, hostTitle, layOut, type PlacedHost, type PlacedService } from "./layout";

type Link = "request" | "write" | "read" | "replication";

const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; fill: #2a2c2e }
  .panel { fill: #f6f4ef } .host { fill: #fffefb; stroke: #d5cfc2 }
  .service { fill: #e9eff3; stroke: #b9c9d3 } .browser { fill: #2f6481 } .browser-text { fill: #fff }
  .primary { fill: #f8ead7; stroke: #ddb98a } .replica { fill: #e0efe6; stroke: #a3cbb5 }
  .name { font-weight: 600; font-size: 15px } .strong { font-weight: 600 } .quiet { fill: #5f5f5a; font-size: 12px }
  .link { fill: none; stroke-width: 1.8 }
  .request { stroke: #5b7f95 } .write { stroke: #b06a1a } .read { stroke: #2d7050 }
  .replication { stroke: #b06a1a; stroke-dasharray: 6 4 }
  .tip-request { fill: #5b7f95 } .tip-write, .tip-replication { fill: #b06a1a } .tip-read { fill: #2d7050 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6e4df } .panel { fill: #16191c } .host { fill: #1f2428; stroke: #3a4249 }
    .service { fill: #28343c; stroke: #40535f } .browser { fill: #8cc1dd } .browser-text { fill: #10202a }
    .primary { fill: #3d3020; stroke: #7a5c33 } .replica { fill: #20362b; stroke: #3f6b54 } .quiet { fill: #a3a9ad }
    .request { stroke: #7fa6bd } .write, .replication { stroke: #e9b36b } .read { stroke: #7fcca4 }
    .tip-request { fill: #7fa6bd } .tip-write, .tip-replication { fill: #e9b36b } .tip-read { fill: #7fcca4 }
  }
`;

const links: readonly Link[] = ["request", "write", "read", "replication"];

export function renderDiagram(endpoints: Endpoints): string {
  const { width, height, browser, hosts, services } = layOut(endpoints);
  const names = hosts.map(({ host }) => host.name).join(", ");
  const parts = [
    `<rect class="panel" width="${width}" height="${height}" rx="14"/>`,
    ...hosts.map(renderHost),
    ...renderLinks(browser, services, endpoints),
    renderBrowser(browser, endpoints.url),
    ...renderVirtualAddress(browser, endpoints.virtualAddress),
    ...services.map(renderService),
    renderLegend(width, height),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">${escapeXml(`The infrastructure behind ${endpoints.url}: ${names}`)}</title>
<style>${style}</style>
<defs>
${links.map(renderTip).join("\n")}
</defs>
${parts.join("\n")}
</svg>
`;
}

function renderTip(link: Link): string {
  return `<marker id="tip-${link}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path class="tip-${link}" d="M0 0 8 4 0 8Z"/></marker>`;
}

function renderBrowser({ x, y, width, height }: Box, url: string): string {
  const middle = x + width / 2;
  return `<rect class="browser" x="${x}" y="${y}" width="${width}" height="${height}" rx="24"/>
${text("browser-text strong", middle, y + 20, "Browser")}
${text("browser-text", middle, y + 37, url)}`;
}

function renderVirtualAddress({ x, y, width }: Box, address: string | undefined): string[] {
  if (address === undefined) return [];
  return [`${address}:`, "one load balancer has it"].map(
    (line, index) =>
      `<text class="quiet" x="${x + width + 14}" y="${y + 20 + 17 * index}">${escapeXml(line)}</text>`,
  );
}

function renderHost({ host, box: { x, y, width, height } }: PlacedHost): string {
  return `<rect class="host" x="${x}" y="${y}" width="${width}" height="${height}" rx="10"/>
<text class="name" x="${x + 20}" y="${y + 29}">${escapeXml(host.name)}</text>
<text class="quiet" x="${x + width - 20}" y="${y + 29}" text-anchor="end">${escapeXml(host.address)}</text>`;
}

function renderService({ host, service, box: { x, y, width, height } }: PlacedService): string {
  const [name, purpose] = describeService(host, service);
  const role = service.role === "database" ? styles[databaseRole(host)] : "service";
  const middle = x + width / 2;
  return `<rect class="${role}" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>
${text("strong", middle, y + 19, service.port === undefined ? name : `${name} :${service.port}`)}
${text("quiet", middle, y + 36, purpose)}`;
}

function describeService(host: EndpointHost, { role, unit }: Service): readonly [string, string] {
  switch (role) {
    case "load-balancer":
      return ["HAProxy", "round robin, health checks"];
    case "web-server":
      return ["Nginx", "static files, proxy"];
    case "application":
      return [unit.replace(/\.service$/, ""), "application"];
    case "database":
      return ["MySQL", databaseRole(host)];
  }
}

/** Any member of a group may be the primary. */
const styles = { primary: "primary", replica: "replica", "member of a group": "primary" } as const;

function databaseRole({ roles }: EndpointHost): keyof typeof styles {
  if (roles.includes("database")) return "member of a group";
  return roles.includes("database-primary") ? "primary" : "replica";
}

function renderLinks(
  browser: Box,
  services: readonly PlacedService[],
  { applications }: Endpoints,
): readonly string[] {
  const of = (role: Service["role"]) => services.filter(({ service }) => service.role === role);
  const withDatabase = of("application").filter(({ service: { unit } }) =>
    applications.some(({ service, hasDatabase }) => hasDatabase && service.unit === unit),
  );
  const members = of("database");
  const primaries = members.filter(({ host }) => databaseRole(host) !== "replica");
  const replicas = members.filter(({ host }) => databaseRole(host) === "replica");
  const readers = replicas.length > 0 ? replicas : primaries;
  const each = (
    link: Link,
    from: readonly PlacedService[],
    to: readonly PlacedService[],
    offset = 0,
  ) => from.flatMap((a) => to.map((b) => drop(link, a.box, b.box, offset)));
  return [
    ...of("load-balancer").map(({ box }) => drop("request", browser, box)),
    ...each("request", of("load-balancer"), of("web-server")),
    ...of("application").flatMap((application) =>
      of("web-server")
        .filter(({ host }) => host === application.host)
        .map(({ box }) => drop("request", box, application.box)),
    ),
    ...each("write", withDatabase, primaries, -14),
    ...each("read", withDatabase, readers, 14),
    ...primaries.flatMap((from) => replicas.map((to) => renderReplication(from.box, to.box))),
  ];
}

/** From the bottom of one box to the top of another, the last bit straight: it passes between a host's name and address. */
function drop(link: Link, from: Box, to: Box, offset = 0): string {
  const [x1, y1] = [from.x + from.width / 2 + offset, from.y + from.height];
  const [x2, y2] = [to.x + to.width / 2 + offset, to.y - 2];
  const end = link === "request" ? Math.max(y1, y2 - hostTitle) : y2;
  const bend = (end - y1) / 2;
  // A straight bit of no length would leave the arrow's tip without a direction.
  const last = end === y2 ? "" : `V${y2}`;
  return line(link, `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${end - bend} ${x2} ${end}${last}`);
}

/** From side to side where the members are neighbours, else below the boxes between them. */
function renderReplication(from: Box, to: Box): string {
  const isRight = to.x > from.x;
  const y = from.y + from.height / 2;
  const start = isRight ? from.x + from.width : from.x;
  const end = isRight ? to.x - 2 : to.x + to.width + 2;
  if (Math.abs(end - start) < from.width) return line("replication", `M${start} ${y}H${end}`);
  const [x1, x2, bottom] = [from.x + from.width / 2, to.x + to.width / 2, from.y + from.height];
  return line(
    "replication",
    `M${x1} ${bottom}C${x1} ${bottom + 34} ${x2} ${bottom + 34} ${x2} ${bottom + 2}`,
  );
}

function line(link: Link, path: string): string {
  return `<path class="link ${link}" d="${path}" marker-end="url(#tip-${link})"/>`;
}

function renderLegend(width: number, height: number): string {
  const entries: readonly (readonly [Link, string, number])[] = [
    ["request", "requests", 96],
    ["write", "writes", 80],
    ["read", "reads", 76],
    ["replication", "replication, semi-synchronous", 214],
  ];
  const total = entries.reduce((sum, [, , length]) => sum + length, 0) + 3 * 12;
  const y = height - 27;
  let x = (width - total) / 2;
  const rendered = entries.map(([link, label, length]) => {
    const entry = `${line(link, `M${x} ${y}H${x + 28}`)}\n<text class="quiet" x="${x + 36}" y="${y + 4}">${label}</text>`;
    x += length + 12;
    return entry;
  });
  return rendered.join("\n");
}

function text(name: string, x: number, y: number, content: string): string {
  return `<text class="${name}" x="${x}" y="${y}" text-anchor="middle">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
