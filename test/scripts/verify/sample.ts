/** The `endpoints` output of a dev stack. */
const host = (address: string, sshPort: number, roles: readonly string[]) => ({
  address,
  sshAddress: "127.0.0.1",
  sshPort,
  user: "root",
  hostKey: "ssh-ed25519 AAAA",
  roles,
});

export const sampleOutput = {
  stack: "dev",
  url: "http://127.0.0.1:8080",
  domain: "www.foobar.com",
  scheme: "http",
  loadBalancers: {
    "lb-01": { url: "http://127.0.0.1:8080", statsUrl: "http://172.31.64.11:8404/" },
  },
  hosts: {
    "lb-01": host("172.31.64.11", 2211, ["load-balancer"]),
    "web-01": host("172.31.64.21", 2221, ["web", "database-primary"]),
    "web-02": host("172.31.64.22", 2222, ["web", "database-replica"]),
  },
  ports: { loadBalancer: 80, web: 80, database: 3306 },
  application: {
    ...{ port: 3000, healthPath: "/healthz", unit: "guestbook.service", isGuestBook: true },
    staticPath: "/static/guestbook-AFKWZXKL.css",
  },
  database: { primary: "web-01", replicas: ["web-02"], name: "guestbook" },
};

/** Another application behind two load balancers, without a database. */
export const shopOutput = {
  ...sampleOutput,
  stack: "prod",
  scheme: "https",
  hosts: {
    "lb-01": host("172.31.64.11", 2211, ["load-balancer"]),
    "lb-02": host("172.31.64.12", 2212, ["load-balancer"]),
    "web-01": host("172.31.64.21", 2221, ["web"]),
    "web-02": host("172.31.64.22", 2222, ["web"]),
  },
  ports: { loadBalancer: 81, web: 80 },
  application: {
    ...{ port: 3000, healthPath: "/up", unit: "shop.service", isGuestBook: false },
    staticPath: "/über uns.html",
  },
  database: undefined,
};

/** The dev stack with two applications more, of which one runs on one host, and a private service. */
export const severalOutput = {
  ...sampleOutput,
  applications: {
    shop: {
      ...{ port: 3001, healthPath: "/up", unit: "shop.service", isGuestBook: false },
      ...{ drainFile: "/run/shop.drain", domains: ["shop.foobar.com"], database: "shop" },
    },
    blog: {
      ...{ port: 3002, healthPath: "/healthz", unit: "blog.service", isGuestBook: false },
      ...{ drainFile: "/run/blog.drain", domains: ["blog.foobar.com"], hosts: ["web-02"] },
    },
  },
  services: {
    cache: { kind: "valkey", unit: "valkey-server.service", port: 6379, hosts: ["lb-01"] },
  },
};
