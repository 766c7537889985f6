import { z } from 'zod'
import { doAtOnce, doInSlices, type Interruptible } from '../lib/in-slices.ts'
import { toWords } from './fields.ts'

/** Limit of flaws that are described one by one. */
const MAX_DESCRIBED = 100

/** The valid items, and one sentence for each invalid one. */
export interface Sorted<T> {
  good: T[]
  setAside: string[]
}

/** Parses each item separately, because one invalid item must not hide the others. */
export function parseEach<T>(item: z.ZodType<T>, values: readonly unknown[]): Sorted<T> {
  return doAtOnce(parseOneByOne(item, values))
}

/** The same, between turns of the event loop. */
export function parseEachInSlices<T>(item: z.ZodType<T>, values: readonly unknown[]): Promise<Sorted<T>> {
  return doInSlices(parseOneByOne(item, values))
}

function* parseOneByOne<T>(item: z.ZodType<T>, values: readonly unknown[]): Interruptible<Sorted<T>> {
  const sorted: Sorted<T> = { good: [], setAside: [] }
  for (const value of values) {
    const parsed = item.safeParse(value)
    if (parsed.success) sorted.good.push(parsed.data)
    else addFlaw(sorted.setAside, `${makeLabel(value)}: ${printIssue(parsed.error)}`)
    yield
  }
  return sorted
}

/** A page of a list; invalid items are left out and described in `setAside`. */
export function tolerantPage<K extends string, T, S extends z.ZodRawShape>(
  key: K,
  item: z.ZodType<T>,
  rest: S,
) {
  // Of an empty object, z.infer says that every field is `never`.
  type Rest = keyof S extends never ? unknown : z.infer<z.ZodObject<S>>
  type Page = Rest & { [P in K]: T[] } & { setAside?: string[] | undefined }
  const shape = z.object({ ...rest, [key]: z.array(z.unknown()), setAside: z.array(z.string()).optional() })
  return shape.transform((page): Page => {
    const { [key]: values, setAside: reported = [], ...others } = page as { [name: string]: unknown }
    const { good, setAside } = parseEach(item, values as unknown[])
    const all = [...(reported as string[]).slice(0, MAX_DESCRIBED).map(toWords), ...setAside]
    return { ...others, [key]: good, ...(all.length > 0 && { setAside: all }) } as Page
  })
}

/** Leaves invalid fields out and describes them in `setAside`; raises an issue if a required field is invalid. */
export function tolerantObject<S extends z.ZodRawShape>(object: z.ZodObject<S>) {
  return z.unknown().transform((value, context) => {
    const first = object.safeParse(value)
    if (first.success) return first.data
    const setAside = first.error.issues.map(describeIssue)
    const second = object.safeParse(withoutFields(value, first.error))
    if (second.success) return { ...second.data, setAside: setAside.slice(0, MAX_DESCRIBED) }
    context.issues.push({ code: 'custom', message: printIssue(second.error), input: value })
    return z.NEVER
  })
}

/** Describes the first issue with its place. */
export function printIssue(error: z.ZodError): string {
  const [issue] = error.issues
  return issue ? describeIssue(issue) : 'unknown shape'
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return toWords(path.length === 0 ? message : `${path.join('.')}: ${message}`)
}

/** A label by which people can identify an item. */
export function makeLabel(value: unknown): string {
  const { name, rid, id, path } = Object(value) as Record<string, unknown>
  const label = [name, rid, id, path].find((each) => typeof each === 'string')
  return typeof label === 'string' ? toWords(label.slice(0, 100)) : 'an item without a name'
}

function withoutFields(value: unknown, { issues }: z.ZodError): unknown {
  const bad = new Set(issues.map(({ path }) => path[0]))
  return Object.fromEntries(Object.entries(Object(value)).filter(([key]) => !bad.has(key)))
}

export function addFlaw(flaws: string[], flaw: string): void {
  if (flaws.length < MAX_DESCRIBED) flaws.push(flaw)
  else flaws[MAX_DESCRIBED - 1] = 'and more'
}
