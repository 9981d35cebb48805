/** Where everything of the picture stands: columns of hosts, and rows of what runs on them. */
import type { EndpointHost, Endpoints, Service } from "../verify/endpoints";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedService {
  readonly host: EndpointHost;
  readonly service: Service;
  readonly box: Box;
}

export interface PlacedHost {
  readonly host: EndpointHost;
  readonly box: Box;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly browser: Box;
  readonly hosts: readonly PlacedHost[];
  readonly services: readonly PlacedService[];
}

type Slots = Readonly<Record<Service["role"], number>>;

const columnGap = 56;
const margin = 36;
const service = { width: 192, height: 46, gap: 12 };
/** Height of the line with a host's name and address. */
export const hostTitle = 46;
const rows = { browser: 28, balancer: 132, hosts: 290 };
/** Below a host's top. Room between the application and the databases, where reads and writes cross. */
const slots: Slots = {
  "load-balancer": hostTitle,
  "web-server": hostTitle,
  application: hostTitle + 78,
  database: hostTitle + 206,
};
/** Where a host is a load balancer and more: the others' are below, and all hosts stand side by side. */
const slotsOfAll: Slots = {
  "load-balancer": hostTitle,
  "web-server": hostTitle + 124,
  application: hostTitle + 202,
  database: hostTitle + 330,
};
const legendHeight = 64;

export function layOut({ hosts }: Endpoints): Layout {
  const isBalancer = ({ roles }: EndpointHost) => roles.includes("load-balancer");
  const isShared = hosts.some((host) => isBalancer(host) && host.services.length > 1);
  const balancers = isShared ? hosts : hosts.filter(isBalancer);
  const others = hosts.filter((host) => !balancers.includes(host));
  const at = isShared ? slotsOfAll : slots;
  const column = { width: columnWidth(hosts), gap: columnGap };
  const columns = Math.max(balancers.length, others.length, 2);
  const width = columns * column.width + (columns - 1) * column.gap + 2 * margin;
  const placed = [
    ...place(balancers, { y: rows.balancer, width, at, column }),
    ...place(others, { y: rows.hosts, width, at, column }),
  ];
  const bottom = Math.max(...placed.map(({ box }) => box.y + box.height));
  return {
    width,
    height: bottom + legendHeight,
    browser: { x: width / 2 - 130, y: rows.browser, width: 260, height: 48 },
    hosts: placed,
    services: placed.flatMap((host) => placeServices(host, at)),
  };
}

interface Row {
  readonly y: number;
  readonly width: number;
  readonly at: Slots;
  readonly column: { readonly width: number; readonly gap: number };
}

/** The applications of a host stand side by side. */
function columnWidth(hosts: readonly EndpointHost[]): number {
  const count = Math.max(1, ...hosts.map((host) => applicationsOf(host).length));
  return count * (service.width + service.gap) - service.gap + 40;
}

function applicationsOf({ services }: EndpointHost): readonly Service[] {
  return services.filter(({ role }) => role === "application");
}

function place(
  hosts: readonly EndpointHost[],
  { y, width, at, column }: Row,
): readonly PlacedHost[] {
  const taken = hosts.length * column.width + (hosts.length - 1) * column.gap;
  const lowest = Math.max(...hosts.flatMap((host) => host.services.map(({ role }) => at[role])));
  return hosts.map((host, index) => ({
    host,
    box: {
      x: (width - taken) / 2 + index * (column.width + column.gap),
      y,
      width: column.width,
      height: lowest + service.height + 18,
    },
  }));
}

function placeServices({ host, box }: PlacedHost, at: Slots): readonly PlacedService[] {
  const { width, height, gap } = service;
  const applications = applicationsOf(host);
  return host.services.map((given) => {
    const beside = given.role === "application" ? applications : [given];
    const taken = beside.length * (width + gap) - gap;
    const x = box.x + (box.width - taken) / 2 + beside.indexOf(given) * (width + gap);
    return { host, service: given, box: { x, y: box.y + at[given.role], width, height } };
  });
}
