import test from "ava";
import {
  renderDatabaseProxy,
  renderDatabaseProxyUnit,
} from "../../../components/render/database-proxy";
import { isGolden } from "./golden";

test("renders the configuration and the unit", (t) => {
  const members = [
    { name: "web-02", address: "10.0.0.2", port: 3306 },
    { name: "web-01", address: "10.0.0.1", port: 3306 },
  ];
  isGolden(t, "database-proxy.cfg", renderDatabaseProxy({ members, port: 6446 }));
  isGolden(t, "trilithon-database-proxy.service", renderDatabaseProxyUnit());
});
