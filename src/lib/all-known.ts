/** Like Promise.all(), but returns the values themselves if none is a promise, which is much faster. */
export function allKnown<T>(values: (T | Promise<T>)[]): T[] | Promise<T[]> {
  return values.every(isKnown) ? values : Promise.all(values)
}

function isKnown<T>(value: T | Promise<T>): value is T {
  return !(value instanceof Promise)
}
