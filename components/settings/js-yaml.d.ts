/** The one function that is used here; the package brings no types. */
declare module "js-yaml" {
  export const CORE_SCHEMA: object;
  export function load(text: string, options: { readonly schema: object }): unknown;
}
