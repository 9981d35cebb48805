import test from "ava";
import { parseSettings } from "../../app/settings";

const environment = {
  PORT: "3000",
  HOST_NAME: "web-01",
  DATABASE_PRIMARY_HOST: "10.0.0.1",
  DATABASE_REPLICA_HOSTS: "10.0.0.2, 10.0.0.3",
  DATABASE_NAME: "guestbook",
  DATABASE_USER: "guestbook",
  DATABASE_PASSWORD: "secret",
};

test("reads the environment, encrypted by default", (t) => {
  t.deepEqual(
    parseSettings(environment, () => ""),
    {
      hostName: "web-01",
      port: 3000,
      database: {
        primaryHost: "10.0.0.1",
        replicaHosts: ["10.0.0.2", "10.0.0.3"],
        port: 3306,
        name: "guestbook",
        user: "guestbook",
        password: "secret",
        ssl: "required",
      },
    },
  );
});

test("names every fault at once, and no password", (t) => {
  const given = { DATABASE_PASSWORD: "secret", PORT: "99999", DATABASE_SSL: "maybe" };
  const error = t.throws(() => parseSettings(given, () => ""));
  t.deepEqual(error.message.split("\n"), [
    "HOST_NAME: expected a value, got none",
    'PORT: expected a port from 1 to 65535, got "99999"',
    "DATABASE_PRIMARY_HOST: expected a value, got none",
    "DATABASE_NAME: expected a value, got none",
    "DATABASE_USER: expected a value, got none",
    'DATABASE_SSL: expected "verify", "required" or "off", got "maybe"',
  ]);
});

test("an authority's certificate is read, or its absence told", (t) => {
  const given = { ...environment, DATABASE_SSL: "verify", DATABASE_SSL_CA: "/ca.pem" };
  const { database } = parseSettings(given, (path) => `text of ${path}`);
  t.deepEqual(database.ssl, { authority: "text of /ca.pem" });
  const fail = () => {
    throw new Error("no such file");
  };
  t.regex(t.throws(() => parseSettings(given, fail)).message, /^DATABASE_SSL_CA: cannot read/);
  const without = { ...environment, DATABASE_SSL: "verify" };
  t.is(
    t.throws(() => parseSettings(without, fail)).message,
    "DATABASE_SSL_CA: expected a value, got none",
  );
});
