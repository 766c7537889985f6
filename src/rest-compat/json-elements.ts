/** The brackets of a JSON list, or of an object, whose elements are `"name":value`. */
export type Brackets = '[]' | '{}'

/** A JSON list or object that may be long: its elements are made while it is sent. */
export class JsonElements {
  readonly brackets: Brackets
  readonly elements: AsyncIterable<string> | Iterable<string>

  /** @param elements the JSON text of each */
  constructor(brackets: Brackets, elements: AsyncIterable<string> | Iterable<string>) {
    this.brackets = brackets
    this.elements = elements
  }
}

/** A list whose items are converted one by one. */
export function jsonList<T>(items: readonly T[], toItem: (item: T) => unknown): JsonElements {
  return new JsonElements('[]', printItems(items, toItem))
}

function* printItems<T>(items: readonly T[], toItem: (item: T) => unknown): Generator<string> {
  for (const item of items) yield JSON.stringify(toItem(item))
}
