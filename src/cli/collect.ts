/** For options that can be given again and again. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value]
}
