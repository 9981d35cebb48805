/** A value that is made later than what waits for it. */
export interface Later<Value> {
  readonly value: Promise<Value>;
  is(value: Value): void;
}

export function later<Value>(): Later<Value> {
  let is: (value: Value) => void = () => undefined;
  const value = new Promise<Value>((resolve) => {
    is = resolve;
  });
  return { value, is: (made) => is(made) };
}
