import test from "ava";
import { parseCopies, renderCopies } from "../../../scripts/backup/copies";

const snapshot = (time: string, tag: string, short_id: string) => ({ time, short_id, tags: [tag] });
const said = `backup-01 ${JSON.stringify([
  snapshot("2026-11-30T03:30:09.123456789+01:00", "full", "aaaaaaaa"),
  snapshot("2026-11-30T02:31:00Z", "logs", "bbbbbbbb"),
  snapshot("2026-11-30T02:32:00Z", "logs", "cccccccc"),
])}
other_repository []
`;

test("restic's list is read with its times in UTC", (t) => {
  const [first, ...others] = parseCopies("web-02", said);
  t.deepEqual(first, {
    ...{ machine: "web-02", place: "backup-01", what: "full", id: "aaaaaaaa" },
    at: "2026-11-30T02:30:09Z",
  });
  t.is(others.length, 2);
});

test("of logs the newest is shown", (t) => {
  t.is(
    renderCopies(parseCopies("web-02", said)),
    `when                  what  machine  place      id
2026-11-30T02:30:09Z  full  web-02   backup-01  aaaaaaaa
2026-11-30T02:32:00Z  logs  web-02   backup-01  cccccccc
`,
  );
  t.is(renderCopies([]), "no copies\n");
});

test("what is no list of restic's is an error", (t) => {
  t.throws(() => parseCopies("web-02", "backup-01 Fatal: wrong password\n"));
});
