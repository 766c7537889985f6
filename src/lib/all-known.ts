/** As Promise.all(), but without a promise if none of the values is one: that takes longer than most values do. */
export function allKnown<T>(values: (T | Promise<T>)[]): T[] | Promise<T[]> {
  return values.every(isKnown) ? values : Promise.all(values)
}

function isKnown<T>(value: T | Promise<T>): value is T {
  return !(value instanceof Promise)
}
