import test from "ava";
import { caaIssuerOf } from "../../components/acme";
import { recordsOf, withGiven, zonesOf } from "../../components/dns";
import { parseSettings } from "../../components/settings";

test("zones are the names that are below no other one, without www", (t) => {
  const zones = (...names: string[]) => zonesOf(names).join(" ");
  t.is(zones("www.foobar.com"), "foobar.com");
  t.is(zones("www.foobar.com", "foobar.com", "shop.foobar.com"), "foobar.com");
  t.is(zones("shop.foobar.com", "www.foobar.com", "foobar.de"), "foobar.com foobar.de");
  t.is(zones("app.foobar.com"), "app.foobar.com");
  t.is(zones("www.com"), "www.com");
  t.is(zones("xfoobar.com", "foobar.com"), "xfoobar.com foobar.com");
});

test("addresses of both families have records of their own", (t) => {
  const site = { names: ["foobar.com"], zones: ["foobar.com"], issuer: undefined, records: [] };
  t.deepEqual(recordsOf({ ...site, addresses: ["10.0.0.1", "2001:db8::1"] }), [
    { name: "foobar.com", type: "A", ttl: 60, values: ["10.0.0.1"] },
    { name: "foobar.com", type: "AAAA", ttl: 60, values: ["2001:db8::1"] },
  ]);
});

test("one that is given stands in the place of ours of the same name and type", (t) => {
  const own = { name: "foobar.com", type: "A", ttl: 60, values: ["10.0.0.1"] } as const;
  const given = { ...own, values: ["10.0.0.2"] };
  const other = { ...own, type: "TXT", values: ['"x"'] } as const;
  t.deepEqual(withGiven([own, { ...own, name: "a.foobar.com" }], [given, other]), [
    { ...own, name: "a.foobar.com" },
    ...[given, other],
  ]);
});

test("an authority is named where it is known what it calls itself", (t) => {
  t.is(caaIssuerOf({}), "letsencrypt.org");
  const staging = "https://acme-staging-v02.api.letsencrypt.org/directory";
  t.is(caaIssuerOf({ directory: staging }), "letsencrypt.org");
  t.is(caaIssuerOf({ directory: "https://ca.foobar.com/letsencrypt.org" }), undefined);
});

const hosts = [
  { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer", "name-server"] },
  { name: "web-01", address: "172.31.64.21", roles: ["web"] },
];
const good = { domain: "www.foobar.com", hosts, containers: { subnet: "172.31.64.0/24" } };

function faultsOf(change: object): readonly string[] {
  const result = parseSettings({ ...good, ...change });
  return "faults" in result ? result.faults : [];
}

const record = { name: "foobar.com", type: "MX", values: ["10 mail.foobar.com"] };
const withRecords = (...records: object[]) => ({ dns: { records } });

test("takes what is sound", (t) => {
  t.deepEqual(faultsOf({}), []);
  const records = [
    record,
    { name: "_dmarc.foobar.com", type: "TXT", values: ['"v=DMARC1; p=none"', '"a" "b"'] },
    { name: "*.foobar.com", type: "CNAME", ttl: 0, values: ["www.foobar.com"] },
    { name: "foobar.com", type: "AAAA", values: ["2001:db8::1"] },
    { name: "sub.foobar.com", type: "NS", values: ["ns.example.net"] },
    { name: "www.foobar.com", type: "A", values: ["203.0.113.1"] },
  ];
  const dns = {
    records,
    zones: ["foobar.com"],
    addresses: ["203.0.113.9"],
    resolvers: ["1.1.1.1"],
  };
  t.deepEqual(faultsOf({ dns }), []);
});

for (const [change, fault] of [
  [
    { dns: { zones: ["foobar"] } },
    'dns.zones[0]: expected a domain name such as www.example.com, got "foobar"',
  ],
  [
    { dns: { zones: ["foobar.de"] } },
    "dns.zones: expected zones that have all names of the site, got foobar.de: www.foobar.com is in none",
  ],
  [
    { dns: { zones: ["foobar.com", "www.foobar.com"] } },
    'dns.zones[1]: expected a name that is not in foobar.com, got "www.foobar.com"',
  ],
  [
    { dns: { zones: ["foobar.com", "foobar.com"] } },
    'dns.zones[1]: expected a name that is not in foobar.com, got "foobar.com"',
  ],
  [
    { dns: { addresses: ["203.0.113.300"] } },
    'dns.addresses[0]: expected an IP address such as 10.0.0.11 or 2001:db8::11, got "203.0.113.300"',
  ],
  [{ dns: { addresses: [] } }, "dns.addresses: expected a list of IP addresses, got an empty list"],
  [
    { dns: { resolvers: ["dns.google"] } },
    'dns.resolvers[0]: expected an IP address such as 10.0.0.11 or 2001:db8::11, got "dns.google"',
  ],
  [{ dns: { record: [] } }, 'dns.record: unknown, did you mean "records"?'],
  [
    withRecords({ ...record, type: "SOA" }),
    'dns.records[0].type: expected one of A, AAAA, CAA, CNAME, MX, NS, SRV, TXT, got "SOA"',
  ],
  [
    withRecords({ ...record, name: "foobar.com." }),
    'dns.records[0].name: expected a domain name without a dot at its end, such as mail.example.com, got "foobar.com."',
  ],
  [
    withRecords({ ...record, name: "mail.foobar.de" }),
    'dns.records[0].name: expected a name in foobar.com, got "mail.foobar.de"',
  ],
  [
    withRecords({ ...record, type: "NS" }),
    'dns.records[0].name: expected a name below the zone\'s, as its own name servers are known, got "foobar.com"',
  ],
  [
    withRecords({ ...record, values: [] }),
    "dns.records[0].values: expected a list of values, got an empty list",
  ],
  [
    withRecords({ ...record, values: ["10 a\n$INCLUDE /etc/passwd"] }),
    'dns.records[0].values[0]: expected a value as zone files have it, in one line, got "10 a\\n$INCLUDE /etc/passwd"',
  ],
  [
    withRecords({ ...record, type: "A", values: ["mail.foobar.com"] }),
    'dns.records[0].values[0]: expected an IPv4 address such as 10.0.0.11, got "mail.foobar.com"',
  ],
  [
    withRecords({ ...record, type: "AAAA", values: ["10.0.0.1"] }),
    'dns.records[0].values[0]: expected an IPv6 address such as 2001:db8::11, got "10.0.0.1"',
  ],
  [
    withRecords({ ...record, type: "TXT", values: ["v=spf1 -all"] }),
    'dns.records[0].values[0]: expected text in quotes such as "v=spf1 -all", got "v=spf1 -all"',
  ],
  [
    withRecords({ ...record, ttl: 1_000_000 }),
    "dns.records[0].ttl: expected an integer from 0 to 604800, got 1000000",
  ],
  [
    withRecords(record, { ...record, values: ["20 mail.foobar.com"] }),
    "dns.records[1]: expected one record of a name and type, got foobar.com MX again: give it all values",
  ],
  [
    withRecords({ ...record, name: "www.foobar.com", type: "CNAME", values: ["foobar.com"] }),
    "dns.records[0]: expected nothing beside a CNAME, got www.foobar.com CNAME: www.foobar.com has other records",
  ],
  [
    { loadBalancer: { port: 53 } },
    "loadBalancer.port: expected a port that nothing else on lb-01 uses, got 53: the name server is the same: give it another port",
  ],
  [
    { loadBalancer: { onMove: ["/usr/local/bin/move"] } },
    "dns.addresses: expected the address that loadBalancer.onMove moves, got nothing",
  ],
  [
    {
      hosts: hosts
        .map((host) => ({ ...host, publicAddress: "foobar.com" }))
        .slice(0, 1)
        .concat(Object(hosts.slice(1))),
    },
    'hosts[0].publicAddress: expected an IPv4 address such as 10.0.0.11, got "foobar.com"',
  ],
] as const) {
  test(`refuses ${JSON.stringify(change).slice(0, 90)}`, (t) => {
    t.deepEqual(faultsOf(change), [`trilithon:${fault}`]);
  });
}
