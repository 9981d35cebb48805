/** Where HAProxy's files are, and what its backends are called. */

export const haproxyFiles = {
  config: "/etc/haproxy/haproxy.cfg",
  unavailable: "/etc/haproxy/503.html",
  /** Of a further application. */
  unavailableOf: (name: string) => `/etc/haproxy/503-${name}.html`,
  /** Names the certificates: the first is for clients that name no host. */
  certificates: "/etc/haproxy/certificates.list",
  certificate: (place: number) => `/etc/haproxy/certificates/${place + 1}.pem`,
  /** HAProxy looks for it there. */
  keyOf: (certificate: string) => `${certificate}.key`,
  /** Of those who sign the web servers' certificates. */
  authorities: "/etc/haproxy/web-authorities.pem",
  /** Run before a reload. */
  stateScript: "/etc/haproxy/trilithon-server-state",
  unit: "/etc/systemd/system/haproxy.service.d/trilithon.conf",
};

/** Of its administration. */
export const adminSocket = "/run/haproxy/admin.sock";
/** What is known of the servers, from before a reload. */
export const serverState = "/var/lib/haproxy/server-state";

/** The backend of an application; what is not idempotent has another one, `once`, and so have files that servers share. */
export function backendOf(application?: string) {
  return backendsOf(application === undefined ? "web_servers" : `${application}_web_servers`);
}

export function backendsOf(backend: string) {
  return { backend, once: `${backend}_once`, shared: `${backend}_shared` };
}
