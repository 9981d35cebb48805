/** Makes one thing after the other, each with the one before it: a change that is bad reaches the first one only. */
export function inTurn<Item, Made>(
  items: readonly Item[],
  make: (item: Item, before: Made | undefined) => Made,
): readonly Made[] {
  const made: Made[] = [];
  for (const item of items) made.push(make(item, made.at(-1)));
  return made;
}
