import { DiffResponse, PropertyDiff } from "@pulumi/pulumi/proto/provider_pb";
import test from "ava";
import { detailedDiff } from "../../../provider/protocol/detailed-diff";

const { ADD, DELETE, UPDATE, UPDATE_REPLACE } = PropertyDiff.Kind;

test("names each changed place, and each changed top-level property once", (t) => {
  const response = detailedDiff([
    { path: ["files", "/etc/a", "content"], kind: "update" },
    { path: ["files", "/etc/b"], kind: "add" },
    { path: ["packages", "nginx"], kind: "delete" },
    { path: ["unit"], kind: "update", replace: true },
  ]);
  const found = new Map<string, number>();
  response.getDetaileddiffMap().forEach((entry, path) => {
    found.set(path, entry.getKind());
  });
  t.deepEqual([...found].sort(), [
    ['files["/etc/a"].content', UPDATE],
    ['files["/etc/b"]', ADD],
    ["packages.nginx", DELETE],
    ["unit", UPDATE_REPLACE],
  ]);
  t.deepEqual(response.getDiffsList(), ["files", "packages", "unit"]);
  t.deepEqual(response.getReplacesList(), ["unit"]);
  t.is(response.getChanges(), DiffResponse.DiffChanges.DIFF_SOME);
  t.true(response.getHasdetaileddiff());
});

test("no difference is said to be none", (t) => {
  const response = detailedDiff([]);
  t.is(response.getChanges(), DiffResponse.DiffChanges.DIFF_NONE);
  t.deepEqual(response.getDiffsList(), []);
});
