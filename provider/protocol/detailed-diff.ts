import { DiffResponse, PropertyDiff } from "@pulumi/pulumi/proto/provider_pb";
import type { Difference } from "../kind";
import { renderPath } from "./path";

const kinds = {
  add: [PropertyDiff.Kind.ADD, PropertyDiff.Kind.ADD_REPLACE],
  delete: [PropertyDiff.Kind.DELETE, PropertyDiff.Kind.DELETE_REPLACE],
  update: [PropertyDiff.Kind.UPDATE, PropertyDiff.Kind.UPDATE_REPLACE],
} as const;

/** Names each changed place, and each changed top-level property: the engine hides what is not in both. */
export function detailedDiff(differences: readonly Difference[]): DiffResponse {
  const response = new DiffResponse();
  const isSome = differences.length > 0;
  response.setChanges(
    isSome ? DiffResponse.DiffChanges.DIFF_SOME : DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setHasdetaileddiff(true);
  response.setDiffsList(tops(differences));
  response.setReplacesList(tops(differences.filter(({ replace }) => replace)));
  for (const { path, kind, replace } of differences) {
    const entry = new PropertyDiff();
    entry.setKind(kinds[kind][replace ? 1 : 0]);
    response.getDetaileddiffMap().set(renderPath(path), entry);
  }
  return response;
}

function tops(differences: readonly Difference[]): string[] {
  return [...new Set(differences.map(({ path }) => path[0] ?? ""))];
}
