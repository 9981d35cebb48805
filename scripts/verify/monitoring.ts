/** Where a host with the role `monitoring` answers, on its 127.0.0.1, and where each host keeps what its node exporter tells besides. */

export const prometheusPort = 9090;
export const alertmanagerPort = 9093;
export const factsFolder = "/var/lib/trilithon-metrics";
