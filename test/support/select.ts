/** Reads and answers SELECT, as far as the plugin uses it, so that a test runs its real queries over tables of its own. */

export type Value = string | number | null | readonly Value[] | { readonly [key: string]: Value };
export type Row = Readonly<Record<string, Value>>;

export interface Catalog {
  /** `performance_schema.processlist`; an error where there is no such table. */
  rows(table: string): readonly Row[];
  /** `@@name`, in lower case. */
  systemVariable(name: string): Value;
  /** `@name` of the session. */
  readonly userVariables: Map<string, Value>;
  /** Functions beyond those of this file. */
  call(name: string, args: readonly Value[]): Value | undefined;
}

/** The rows of an answer, as `--batch --raw --skip-column-names` prints them. */
export function select(text: string, catalog: Catalog): string[] {
  const parser = new Parser(text);
  const query = parser.query();
  parser.end();
  return query({ catalog, row: {} }).map((row) => row.map(shown).join("\t"));
}

/** The value of an expression alone, as on the right of `SET`. */
export function evaluate(text: string, catalog: Catalog): Value {
  const parser = new Parser(text);
  const expression = parser.expression();
  parser.end();
  return expression({ catalog, row: {} });
}

function shown(value: Value): string {
  if (value === null) return "NULL";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

interface Scope {
  readonly catalog: Catalog;
  readonly row: Row;
  /** The rows of an aggregate. */
  readonly group?: readonly Row[];
  readonly outer?: Scope;
}

type Expression = (scope: Scope) => Value;
type Query = (scope: Scope) => Value[][];

interface Source {
  readonly alias: string;
  readonly rows: (scope: Scope) => readonly Row[];
}

const tokens =
  /\s*(?:('(?:[^'\\]|\\[\s\S]|'')*')|(`[^`]*`)|(\d+(?:\.\d+)?)|(@@?[\w.]+)|([A-Za-z_]\w*)|(<>|>=|<=|[(),.=<>*/+-]))/y;

const keywords = new Set(
  "SELECT FROM JOIN USING WHERE HAVING ORDER LIMIT UNION ALL AS INTO AND OR NOT IN LIKE IS ON".split(
    " ",
  ),
);
const aggregates = new Set(["COUNT", "SUM", "JSON_OBJECTAGG", "JSON_ARRAYAGG"]);

class Parser {
  readonly #tokens: string[] = [];
  #at = 0;
  #hasAggregate = false;

  constructor(private readonly text: string) {
    tokens.lastIndex = 0;
    const trimmed = text.trimEnd();
    while (tokens.lastIndex < trimmed.length) {
      const start = tokens.lastIndex;
      const found = tokens.exec(trimmed);
      if (found === null) throw new Error(`syntax near ${trimmed.slice(start, start + 40)}`);
      this.#tokens.push(found[0].trimStart());
    }
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#fail();
  }

  query(): Query {
    const parts = [this.#select()];
    while (this.#takes("UNION")) {
      this.#expect("ALL");
      parts.push(this.#select());
    }
    return (scope) => parts.flatMap((part) => part(scope));
  }

  expression(): Expression {
    let left = this.#and();
    while (this.#takes("OR")) {
      const [a, b] = [left, this.#and()];
      left = (scope) => (isTrue(a(scope)) || isTrue(b(scope)) ? 1 : 0);
    }
    return left;
  }

  #select(): Query {
    this.#expect("SELECT");
    const before = this.#hasAggregate;
    this.#hasAggregate = false;
    const columns: { readonly expression: Expression; readonly name: string }[] = [];
    do {
      const start = this.#at;
      const expression = this.expression();
      const text = this.#tokens.slice(start, this.#at).join("");
      columns.push({ expression, name: this.#takes("AS") ? this.#next() : text });
    } while (this.#takes(","));
    const into = this.#takes("INTO") ? this.#next().slice(1) : undefined;
    const sources = this.#takes("FROM") ? this.#sources() : undefined;
    const where = this.#takes("WHERE") ? this.expression() : () => 1;
    const having = this.#takes("HAVING") ? this.expression() : () => 1;
    const order = this.#takes("ORDER") ? this.#order() : () => 0;
    const limit = this.#takes("LIMIT") ? Number(this.#next()) : Number.POSITIVE_INFINITY;
    const isGrouped = this.#hasAggregate;
    this.#hasAggregate = before;
    return (outer) => {
      const { catalog } = outer;
      const all = sources === undefined ? [{}] : sources(outer);
      const rows = all.filter((row) => isTrue(where({ catalog, row, outer })));
      const scopes: Scope[] = isGrouped
        ? [{ catalog, row: rows[0] ?? {}, group: rows, outer }]
        : rows.map((row) => ({ catalog, row, outer }));
      const found = scopes
        .filter((scope) => isTrue(having(scope)))
        .sort(order)
        .slice(0, limit)
        .map((scope) => columns.map(({ expression }) => expression(scope)));
      if (into === undefined) return found;
      if (found[0] !== undefined) catalog.userVariables.set(into, found[0][0] ?? null);
      return [];
    };
  }

  #order(): (a: Scope, b: Scope) => number {
    this.#expect("BY");
    const key = this.expression();
    const sign = this.#takes("DESC") ? -1 : 1;
    return (a, b) => sign * (isTrue(compare(">", key(a), key(b))) ? 1 : -1);
  }

  #sources(): (scope: Scope) => Row[] {
    const first = this.#source();
    let rows = (scope: Scope) => first.rows(scope).map((row) => named(first.alias, row));
    while (this.#takes("JOIN")) {
      const second = this.#source();
      const left = rows;
      if (this.#takes("ON")) {
        const condition = this.expression();
        rows = (scope) =>
          left(scope)
            .flatMap((one) =>
              second.rows(scope).map((row) => ({ ...one, ...named(second.alias, row) })),
            )
            .filter((row) => isTrue(condition({ ...scope, row })));
        continue;
      }
      this.#expect("USING");
      this.#expect("(");
      const key = this.#next().toUpperCase();
      this.#expect(")");
      rows = (scope) =>
        left(scope).flatMap((one) =>
          second
            .rows(scope)
            .map((row) => named(second.alias, row))
            .filter((right) => isTrue(equals(one[key] ?? null, right[key] ?? null)))
            .map((right) => ({ ...one, ...right })),
        );
    }
    return rows;
  }

  #source(): Source {
    if (this.#takes("(")) {
      const names = this.#columnNames();
      const query = this.query();
      this.#expect(")");
      this.#takes("AS");
      const rows = (scope: Scope) =>
        query(scope).map((values) =>
          Object.fromEntries(values.map((value, index) => [names[index] ?? "", value])),
        );
      return { alias: this.#next(), rows };
    }
    let table = unquoted(this.#next());
    if (this.#takes(".")) table = `${table}.${unquoted(this.#next())}`;
    const isNamed = this.#takes("AS") || /^[A-Za-z]/.test(this.#peekIdentifier());
    const alias = isNamed ? this.#next() : "";
    return { alias, rows: ({ catalog }) => catalog.rows(table) };
  }

  /** Of the SELECT that comes next: the names of its first columns, where they are plain. */
  #columnNames(): string[] {
    const end = this.#tokens.findIndex((token, at) => at > this.#at && token === "FROM");
    return this.#tokens
      .slice(this.#at + 1, end)
      .filter((token) => token !== ",")
      .map((token) => token.toUpperCase());
  }

  #peekIdentifier(): string {
    const token = this.#tokens[this.#at] ?? "";
    return keywords.has(token.toUpperCase()) ? "" : token;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#takes("AND")) {
      const [a, b] = [left, this.#not()];
      left = (scope) => (isTrue(a(scope)) && isTrue(b(scope)) ? 1 : 0);
    }
    return left;
  }

  #not(): Expression {
    if (!this.#takes("NOT")) return this.#comparison();
    const inner = this.#not();
    return (scope) => (isTrue(inner(scope)) ? 0 : 1);
  }

  #comparison(): Expression {
    const left = this.#sum();
    for (const operator of ["=", "<>", ">=", "<=", ">", "<"] as const) {
      if (!this.#takes(operator)) continue;
      const right = this.#sum();
      return (scope) => compare(operator, left(scope), right(scope));
    }
    const isNot = this.#takes("NOT");
    const sign = (found: Value): Value => (found === null ? null : isTrue(found) !== isNot ? 1 : 0);
    if (this.#takes("LIKE")) {
      const pattern = this.#sum();
      return (scope) => sign(like(left(scope), pattern(scope)));
    }
    if (this.#takes("IN")) {
      const items = this.#list();
      return (scope) =>
        sign(items.some((item) => isTrue(equals(left(scope), item(scope)))) ? 1 : 0);
    }
    if (isNot) this.#fail();
    return left;
  }

  #sum(): Expression {
    let left = this.#product();
    for (;;) {
      if (this.#takes("+")) left = arithmetic(left, this.#product(), (a, b) => a + b);
      else if (this.#takes("-")) left = arithmetic(left, this.#product(), (a, b) => a - b);
      else return left;
    }
  }

  #product(): Expression {
    let left = this.#primary();
    for (;;) {
      if (this.#takes("*")) left = arithmetic(left, this.#primary(), (a, b) => a * b);
      else if (this.#takes("/")) left = arithmetic(left, this.#primary(), (a, b) => a / b);
      else return left;
    }
  }

  #primary(): Expression {
    if (this.#takes("(")) {
      if (this.#tokens[this.#at]?.toUpperCase() !== "SELECT") {
        const inner = this.expression();
        this.#expect(")");
        return inner;
      }
      const query = this.query();
      this.#expect(")");
      return (scope) => query(scope)[0]?.[0] ?? null;
    }
    const token = this.#next();
    if (token.startsWith("'")) {
      const text = unescaped(token);
      return () => text;
    }
    if (/^\d/.test(token)) return () => Number(token);
    if (token.startsWith("@@")) {
      const name = token
        .slice(2)
        .toLowerCase()
        .replace(/^(global|session)\./, "");
      return ({ catalog }) => catalog.systemVariable(name);
    }
    if (token.startsWith("@")) {
      return ({ catalog }) => catalog.userVariables.get(token.slice(1)) ?? null;
    }
    if (!/^[A-Za-z_`]/.test(token)) this.#fail();
    if (this.#takes("(")) return this.#call(token.toUpperCase());
    if (token.toUpperCase() === "NULL") return () => null;
    if (token.toUpperCase() === "TRUE") return () => 1;
    const name = this.#takes(".") ? `${token}.${this.#next()}` : token;
    return (scope) => column(name.toUpperCase(), scope);
  }

  #call(name: string): Expression {
    if (aggregates.has(name)) this.#hasAggregate = true;
    if (name === "COUNT" && this.#takes("*")) {
      this.#expect(")");
      return ({ group = [] }) => group.length;
    }
    if (name === "CAST") {
      const inner = this.expression();
      this.#expect("AS");
      const type = this.#next().toUpperCase();
      this.#expect(")");
      // Marked, since a comparison of bytes minds the case.
      return (scope) => {
        const value = inner(scope);
        return value === null || type !== "BINARY" ? value : `${binary}${shown(value)}`;
      };
    }
    const args: Expression[] = [];
    if (!this.#takes(")")) {
      do args.push(this.expression());
      while (this.#takes(","));
      this.#expect(")");
    }
    if (aggregates.has(name)) {
      return ({ group = [], ...scope }) =>
        aggregate(
          name,
          group.map((row) => args.map((arg) => arg({ ...scope, row }))),
        );
    }
    return (scope) => {
      const values = args.map((arg) => arg(scope));
      const known = functions[name];
      const own = known === undefined ? scope.catalog.call(name, values) : known(values);
      if (own === undefined) throw new Error(`FUNCTION ${name} does not exist`);
      return own;
    };
  }

  #list(): Expression[] {
    this.#expect("(");
    const items: Expression[] = [];
    do items.push(this.expression());
    while (this.#takes(","));
    this.#expect(")");
    return items;
  }

  #takes(token: string): boolean {
    if (this.#tokens[this.#at]?.toUpperCase() !== token) return false;
    this.#at += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) this.#fail();
  }

  #next(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined) return this.#fail();
    this.#at += 1;
    return token;
  }

  #fail(): never {
    const near = this.#tokens.slice(this.#at, this.#at + 8).join(" ");
    throw new Error(`syntax near '${near}' in ${this.text.slice(0, 200)}`);
  }
}

const binary = "\0binary\0";

/** Each column by its own name and by that of its table. */
function named(alias: string, row: Row): Row {
  const columns = Object.entries(row).map(([name, value]) => [name.toUpperCase(), value] as const);
  const qualified = columns.map(([name, value]) => [`${alias.toUpperCase()}.${name}`, value]);
  return Object.fromEntries(alias === "" ? columns : [...columns, ...qualified]);
}

function column(name: string, scope: Scope): Value {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const value = at.row[name];
    if (value !== undefined) return value;
  }
  // Nothing can be told of the columns of no rows.
  if (scope.group?.length === 0) return null;
  throw new Error(`Unknown column '${name}'`);
}

function isTrue(value: Value): boolean {
  return value !== null && value !== 0 && value !== "" && value !== "0";
}

function equals(one: Value, other: Value): Value {
  if (one === null || other === null) return null;
  if (typeof one === "number" || typeof other === "number") {
    return Number(one) === Number(other) ? 1 : 0;
  }
  const [a, b] = [shown(one), shown(other)];
  if (a.startsWith(binary) || b.startsWith(binary)) {
    return a.replace(binary, "") === b.replace(binary, "") ? 1 : 0;
  }
  return a.toLowerCase() === b.toLowerCase() ? 1 : 0;
}

function compare(operator: "=" | "<>" | ">=" | "<=" | ">" | "<", one: Value, other: Value): Value {
  const same = equals(one, other);
  if (same === null) return null;
  const [a, b] = [Number(one), Number(other)];
  switch (operator) {
    case "=":
      return same;
    case "<>":
      return isTrue(same) ? 0 : 1;
    case ">=":
      return a >= b ? 1 : 0;
    case "<=":
      return a <= b ? 1 : 0;
    case ">":
      return a > b ? 1 : 0;
    case "<":
      return a < b ? 1 : 0;
    default:
      return operator satisfies never;
  }
}

function like(value: Value, pattern: Value): Value {
  if (value === null || pattern === null) return null;
  const parts = shown(pattern).match(/\\[\s\S]|[\s\S]/g) ?? [];
  const source = parts.map((part) => {
    if (part === "%") return "[\\s\\S]*";
    if (part === "_") return "[\\s\\S]";
    return (part.length === 2 ? (part[1] ?? "") : part).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`, "i").test(shown(value)) ? 1 : 0;
}

function arithmetic(
  left: Expression,
  right: Expression,
  operation: (one: number, other: number) => number,
): Expression {
  return (scope) => {
    const [a, b] = [left(scope), right(scope)];
    return a === null || b === null ? null : operation(Number(a), Number(b));
  };
}

function aggregate(name: string, rows: readonly (readonly Value[])[]): Value {
  switch (name) {
    case "SUM":
      return rows.length === 0 ? null : rows.reduce((sum, [value]) => sum + Number(value), 0);
    case "JSON_ARRAYAGG":
      return rows.length === 0 ? null : rows.map(([value = null]) => value);
    case "JSON_OBJECTAGG":
      return rows.length === 0
        ? null
        : Object.fromEntries(rows.map(([key = null, value = null]) => [shown(key), value]));
    default:
      return rows.filter(([value]) => value !== null).length;
  }
}

const functions: Readonly<Record<string, (values: readonly Value[]) => Value>> = {
  COALESCE: (values) => values.find((value) => value !== null) ?? null,
  CONCAT: (values) => (values.includes(null) ? null : values.map(shown).join("")),
  CONCAT_WS: ([separator = "", ...values]) =>
    values
      .filter((value) => value !== null)
      .map(shown)
      .join(shown(separator)),
  HEX: ([value = null]) =>
    value === null ? null : Buffer.from(shown(value), "latin1").toString("hex").toUpperCase(),
  IF: ([condition = null, one = null, other = null]) => (isTrue(condition) ? one : other),
  LOWER: ([value = null]) => (value === null ? null : shown(value).toLowerCase()),
  REPLACE: ([text = null, from = "", to = ""]) =>
    text === null ? null : shown(text).replaceAll(shown(from), shown(to)),
  ROUND: ([value = null]) => (value === null ? null : Math.round(Number(value))),
  CEIL: ([value = null]) => (value === null ? null : Math.ceil(Number(value))),
  JSON_ARRAY: (values) => values,
  JSON_OBJECT: (values) =>
    Object.fromEntries(
      values.flatMap((key, index) =>
        index % 2 === 0 ? [[shown(key), values[index + 1] ?? null]] : [],
      ),
    ),
  JSON_CONTAINS_PATH: ([document = null, , path = ""]) =>
    document === null ? null : shown(path).slice(2) in Object(document) ? 1 : 0,
};

function unquoted(token: string): string {
  return token.startsWith("`") ? token.slice(1, -1) : token;
}

function unescaped(token: string): string {
  const inner = token.slice(1, -1).replaceAll("''", "'");
  return inner.replace(/\\([\s\S])/g, (_, one: string) => escapes[one] ?? one);
}

/** Before a wildcard the backslash stays: it is for LIKE. */
const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  "0": "\0",
  "%": "\\%",
  _: "\\_",
};
