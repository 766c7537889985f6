import { doInSlices } from '../lib/in-slices.ts'
import type { InventoryApp } from '../wire/inventory.ts'
import { checkEditedApp } from './check-edited-app.ts'
import {
  type AppLines,
  type InventoryLayout,
  type InventoryText,
  type ReadInventory,
  readWithLayout,
} from './read-inventory.ts'
import type { WrittenAnchor } from './yaml-anchors.ts'
import { MAX_VALUES } from './yaml-reader.ts'

/** A file that was read as a whole, or since then app by app. */
export interface KnownFile {
  text: string
  layout: InventoryLayout
}

export interface EditedFile {
  app: InventoryApp
  known: KnownFile
}

export interface EditReading {
  /** Of the file as it was. */
  apps: readonly InventoryApp[]
  /** Reads the lines of the app. */
  read?(text: InventoryText): Promise<ReadInventory> | ReadInventory
}

/** A line that is not indented is not part of an app. */
const NOT_INDENTED = /^[^\s#]/m
/** Stands before the lines of an app that is read alone. */
const APPS = 'apps:\n'
/** The rest of the file is searched for each of them. */
const MAX_CHANGED_ANCHORS = 10
const BLOCK_LENGTH = 4096

/**
 * Reads an edit of a single app without the rest of the file, which takes seconds if it is large. The rest means the same
 * as before: it is the same text, and uses no anchor of the app that may have changed.
 * @returns undefined if the whole file has to be read: also if anything is wrong, so that all problems are found
 */
export async function readEdit(
  known: KnownFile,
  text: string,
  { apps, read = readWithLayout }: EditReading,
): Promise<EditedFile | undefined> {
  const edit = known.layout.anchors && findEditedApp(known, text)
  if (!edit) return undefined
  const outer = findOuterAnchors(known, edit.at)
  const { news, layout } = await read({ text: `${APPS}${edit.after}`, file: '', localIp: '', outer })
  const [app, ...others] = news.kind === 'inventory' ? news.inventory.apps : []
  if (!app || !layout || app.name !== edit.name || layout.apps.length > 1 || others.length > 0)
    return undefined
  const edited = moveLayout(known, edit, layout)
  if (!edited || !(await doInSlices(checkEditedApp(app, apps)))) return undefined
  return { app, known: { text, layout: edited } }
}

/** The lines of an app, as they were and as they are. */
interface AppEdit extends AppLines {
  /** The end of the lines as they were. */
  end: number
  after: string
}

/** The app that contains all differences, behind its name; undefined if there is none. */
function findEditedApp({ text: old, layout: { apps } }: KnownFile, text: string): AppEdit | undefined {
  const prefix = countSame(old, text)
  const suffix = countSameAtEnd(old, text, Math.min(old.length, text.length) - prefix)
  const index = apps.findLastIndex(({ nameAt }) => nameAt < prefix)
  const app = apps[index]
  const end = apps[index + 1]?.at ?? old.length
  if (!app || old.length - suffix > end) return undefined
  const after = text.slice(app.at, end + text.length - old.length)
  const isWhole = after.endsWith('\n') || end === old.length
  if (!isWhole || NOT_INDENTED.test(after) || NOT_INDENTED.test(old.slice(app.at, end))) return undefined
  return { ...app, end, after }
}

/** The last value of each anchor before the app. */
function findOuterAnchors({ layout: { anchors } }: KnownFile, at: number): Map<string, string> {
  const outer = new Map<string, string>()
  for (const anchor of anchors?.filter((one) => one.at < at) ?? []) {
    if (anchor.text === null) outer.delete(anchor.name)
    else outer.set(anchor.name, anchor.text)
  }
  return outer
}

/** The layout of the edited file; undefined if an anchor of the app may mean something else to another one now. */
function moveLayout(
  { text: old, layout: known }: KnownFile,
  edit: AppEdit,
  read: InventoryLayout,
): InventoryLayout | undefined {
  const values = known.values + read.values
  if (values > MAX_VALUES || !known.anchors || !read.anchors) return undefined
  const move = edit.after.length - (edit.end - edit.at)
  const isInApp = ({ at }: { at: number }) => at >= edit.at && at < edit.end
  const before = known.anchors.filter(isInApp)
  const after = read.anchors.map((anchor) => shift(anchor, edit.at - APPS.length))
  const rest = [old.slice(0, edit.at), old.slice(edit.end)]
  if (mayBeUsed(listChanged(before, after), rest)) return undefined
  const anchors = [
    ...known.anchors.filter(({ at }) => at < edit.at),
    ...after,
    ...known.anchors.filter(({ at }) => at >= edit.end).map((anchor) => shift(anchor, move)),
  ]
  const apps = known.apps.map((app) =>
    app.at < edit.end ? app : { ...app, at: app.at + move, nameAt: app.nameAt + move },
  )
  return { apps, anchors, values }
}

function shift(anchor: WrittenAnchor, by: number): WrittenAnchor {
  return { ...anchor, at: anchor.at + by, end: anchor.end + by }
}

/** The names of anchors that mean something else behind the app now. The last one of each name counts there. */
function listChanged(before: readonly WrittenAnchor[], after: readonly WrittenAnchor[]): string[] {
  const [old, now] = [before, after].map((anchors) => new Map(anchors.map(({ name, text }) => [name, text])))
  const names = new Set([...before, ...after].map(({ name }) => name))
  return [...names].filter((name) => now?.get(name) == null || now.get(name) !== old?.get(name))
}

/** Whether the rest of the file may have an alias of one of the names, as text of any kind. */
function mayBeUsed(names: readonly string[], rest: readonly string[]): boolean {
  if (names.length > MAX_CHANGED_ANCHORS) return true
  return names.some((name) => rest.some((text) => text.includes(`*${name}`)))
}

/** How many characters are the same from the start on. */
function countSame(one: string, other: string): number {
  let at = 0
  while (at < one.length && one.slice(at, at + BLOCK_LENGTH) === other.slice(at, at + BLOCK_LENGTH))
    at += BLOCK_LENGTH
  while (at < one.length && one[at] === other[at]) at += 1
  return Math.min(at, one.length, other.length)
}

/** How many characters are the same at the end, at most `limit`. */
function countSameAtEnd(one: string, other: string, limit: number): number {
  let count = 0
  const isSame = (length: number) =>
    one.slice(one.length - length, one.length - count) ===
    other.slice(other.length - length, other.length - count)
  while (count + BLOCK_LENGTH <= limit && isSame(count + BLOCK_LENGTH)) count += BLOCK_LENGTH
  while (count < limit && isSame(count + 1)) count += 1
  return count
}
