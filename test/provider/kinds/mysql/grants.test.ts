import test from "ava";
import { morePrivileges, privilegesOf } from "../../../../components/database-privileges";
import {
  parseGrants,
  planGrants,
  renderLevel,
  sortedPrivileges,
} from "../../../../provider/kinds/mysql/grants";

/** All that the settings can ask for, which is all that there is for a database. */
const everything = privilegesOf(typedKeys(morePrivileges));

function typedKeys<Key extends string>(object: Readonly<Record<Key, unknown>>): Key[] {
  return Object.keys(object) as Key[];
}

const shown = [
  { name: "no privileges", lines: ["GRANT USAGE ON *.* TO `app`@`%`"], is: {} },
  {
    name: "privileges on one database, whose _ is no wildcard",
    lines: [
      "GRANT USAGE ON *.* TO `app`@`%`",
      "GRANT SELECT, INSERT ON `guest\\_book`.* TO `app`@`%`",
    ],
    is: { "guest_book.*": ["INSERT", "SELECT"] },
  },
  {
    name: "a wildcard, as MySQL writes it",
    lines: ["GRANT SELECT ON `guest_book`.* TO `app`@`%`"],
    is: { "`guest_book`.*": ["SELECT"] },
  },
  {
    name: "static and dynamic privileges together",
    lines: [
      "GRANT REPLICATION SLAVE ON *.* TO `replication`@`%`",
      "GRANT BACKUP_ADMIN ON *.* TO `replication`@`%`",
    ],
    is: { "*.*": ["BACKUP_ADMIN", "REPLICATION SLAVE"] },
  },
  {
    name: "all privileges, and the right to pass them on",
    lines: ["GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`10.%` WITH GRANT OPTION"],
    is: { "shop.*": sortedPrivileges("shop.*", [...everything, "GRANT OPTION"]) },
  },
  {
    name: "a table, with columns",
    lines: ["GRANT SELECT (`a`, `b`), INSERT ON `shop`.`items` TO `app`@`%`"],
    is: { "shop.items": ["INSERT", "SELECT (`A`, `B`)"] },
  },
  {
    name: "a role",
    lines: ["GRANT `reader`@`%` TO `app`@`%`"],
    is: { "role `reader`@`%`": ["ROLE"] },
  },
];

for (const { name, lines, is } of shown) {
  test(`SHOW GRANTS is read: ${name}`, (t) => t.deepEqual(parseGrants(lines), is));
}

test("the same privileges in another order and case are the same", (t) => {
  t.deepEqual(sortedPrivileges("a.*", ["select", " Insert", "SELECT"]), ["INSERT", "SELECT"]);
});

test("ALL is the names that it stands for, so that nothing is revoked to grant it", (t) => {
  t.deepEqual(sortedPrivileges("a.*", ["all  privileges"]), [...everything].sort());
  const [onTable = ""] = sortedPrivileges("a.b", ["ALL", "SELECT"]).filter(
    (one) => !everything.includes(one),
  );
  t.is(onTable, "");
  t.is(sortedPrivileges("a.b", ["ALL"]).length, 12);
  t.deepEqual(sortedPrivileges("*.*", ["ALL"]), ["ALL"]);
});

test("only what differs is granted and revoked", (t) => {
  t.deepEqual(planGrants({ "a.*": ["SELECT"] }, { "a.*": ["SELECT"] }), []);
  t.deepEqual(
    planGrants({ "a.*": ["DROP", "SELECT"], "b.*": ["SELECT"] }, { "a.*": ["INSERT", "SELECT"] }),
    [
      { level: "a.*", grant: ["INSERT"], revoke: ["DROP"] },
      { level: "b.*", grant: [], revoke: ["SELECT"] },
    ],
  );
});

test("a level becomes SQL", (t) => {
  t.is(renderLevel("*.*"), "*.*");
  t.is(renderLevel("guest_book.*"), "`guest\\_book`.*");
  t.is(renderLevel("guest_book.the_items"), "`guest_book`.`the_items`");
  t.is(renderLevel("`guest_book`.*"), "`guest_book`.*");
});
