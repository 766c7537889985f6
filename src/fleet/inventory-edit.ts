import type { InventoryApp } from '../wire/inventory.ts'
import { checkEditedApp } from './check-edited-app.ts'
import { type InventoryLayout, readWithLayout } from './read-inventory.ts'
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

/** Longer apps are left to the thread that reads whole files. */
const MAX_APP_LENGTH = 16 * 1024
/** An anchor could be used elsewhere; a line that is not indented is not part of an app. */
const REACHES_OUT = /&|^[^\s#]/m
const BLOCK_LENGTH = 4096

/**
 * Reads an edit of a single app without the rest of the file, which takes seconds if it is large. The rest means the same
 * as before: it is the same text, and the app is complete in itself.
 * @returns undefined if the whole file has to be read: also if anything is wrong, so that all problems are found
 */
export function readEdit(
  known: KnownFile,
  text: string,
  apps: readonly InventoryApp[],
): EditedFile | undefined {
  const lines = findEditedApp(known, text)
  if (!lines || lines.after.length > MAX_APP_LENGTH) return undefined
  if (REACHES_OUT.test(lines.before) || REACHES_OUT.test(lines.after)) return undefined
  const { news, layout } = readWithLayout({ text: `apps:\n${lines.after}`, file: '', localIp: '' })
  const [app, ...others] = news.kind === 'inventory' ? news.inventory.apps : []
  if (!app || !layout || app.name !== lines.name || layout.apps.length > 1 || others.length > 0)
    return undefined
  const values = known.layout.values + layout.values
  if (values > MAX_VALUES || !checkEditedApp(app, apps)) return undefined
  return { app, known: { text, layout: { apps: moveApps(known, text, lines.name), values } } }
}

interface EditedLines {
  name: string
  before: string
  after: string
}

/** The lines of the app that contains all differences, behind its name; undefined if there is none. */
function findEditedApp({ text: old, layout: { apps } }: KnownFile, text: string): EditedLines | undefined {
  const prefix = countSame(old, text)
  const suffix = countSameAtEnd(old, text, Math.min(old.length, text.length) - prefix)
  const index = apps.findLastIndex(({ nameAt }) => nameAt < prefix)
  const app = apps[index]
  const end = apps[index + 1]?.at ?? old.length
  if (!app || old.length - suffix > end) return undefined
  const after = text.slice(app.at, end + text.length - old.length)
  const isWhole = after.endsWith('\n') || end === old.length
  return isWhole ? { name: app.name, before: old.slice(app.at, end), after } : undefined
}

/** The apps after the edited one begin earlier or later than before. */
function moveApps({ text: old, layout: { apps } }: KnownFile, text: string, edited: string) {
  const index = apps.findIndex(({ name }) => name === edited)
  const move = text.length - old.length
  return apps.map((app, number) =>
    number > index ? { ...app, at: app.at + move, nameAt: app.nameAt + move } : app,
  )
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
