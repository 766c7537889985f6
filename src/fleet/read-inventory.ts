import type { InventoryNews } from '../wire/inventory.ts'
import { checkInventory } from './check-inventory.ts'
import { describeUnknownWord } from './describe-unknown-word.ts'
import { readApps, toApps, type WrittenProc } from './inventory-apps.ts'
import { readLainYaml } from './lain-yaml.ts'
import type { OuterAnchors, WrittenAnchor } from './yaml-anchors.ts'
import { printProblems } from './yaml-problems.ts'
import { type YamlEntry, YamlReader } from './yaml-reader.ts'

export interface InventoryText {
  text: string
  /** Its name appears in problems. */
  file: string
  /** The server for a plain lain.yaml, which names none. */
  localIp: string
  /** Anchors that the text uses, if it is a part of a file. */
  outer?: OuterAnchors
}

/** Where the apps of an inventory file are, if each has lines of its own. */
export interface InventoryLayout {
  apps: AppLines[]
  /** In the order of the file; null if they are too many to be kept. */
  anchors: WrittenAnchor[] | null
  /** How many values the file has, aliases resolved. */
  values: number
}

/** Offsets of an app's name and of the line that it is on. In a layout they are in the order of the file. */
export interface AppLines {
  name: string
  at: number
  nameAt: number
}

/** Parses an inventory file or a lain.yaml. Returns the inventory, or all problems found. */
export function readInventory(text: InventoryText): InventoryNews {
  return readWithLayout(text).news
}

export interface ReadInventory {
  news: InventoryNews
  /** null if it is not known. */
  layout: InventoryLayout | null
}

/** The same with its layout. */
export function readWithLayout(inventory: InventoryText): ReadInventory {
  const reader = new YamlReader(inventory.text, inventory.outer && { outer: inventory.outer })
  const news = readNews(reader, inventory)
  return { news, layout: news.kind === 'inventory' ? findLayout(reader, inventory.text) : null }
}

function readNews(reader: YamlReader, { file, localIp }: InventoryText): InventoryNews {
  const procs = reader.problems.length > 0 ? [] : readRoot(reader, localIp)
  if (reader.problems.length === 0) checkInventory(reader, procs)
  if (reader.problems.length > 0)
    return { kind: 'broken', problem: printProblems(`inventory ${file}`, reader.problems) }
  return { kind: 'inventory', inventory: { apps: toApps(procs) } }
}

function readRoot(reader: YamlReader, localIp: string): WrittenProc[] {
  if (reader.isEmpty(reader.root)) {
    reader.problem(
      { at: 0 },
      'the inventory is empty: write "apps:" and the apps below it, or "apps: {}" for none',
    )
    return []
  }
  const entries = reader.entries(reader.root, 'apps: … or a lain.yaml with its appname: …')
  const keys = entries.map(({ key }) => key)
  if (keys.includes('appname') && !keys.includes('apps')) return readLainYaml(reader, reader.root, localIp)
  return entries.flatMap((entry) => readTop(reader, entry))
}

/** A directive (`%YAML 1.1`) could change what each line means. */
const DIRECTIVE = /^%/m

function findLayout(reader: YamlReader, text: string): InventoryLayout | null {
  if (!reader.isBlock(reader.root) || DIRECTIVE.test(text)) return null
  const [apps, ...others] = reader.entries(reader.root, '')
  if (apps?.key !== 'apps' || others.length > 0 || !reader.isBlock(apps)) return null
  const lines = reader.entries(apps, '').map(({ key, keyAt }) => {
    return { name: key, at: text.lastIndexOf('\n', keyAt) + 1, nameAt: keyAt }
  })
  const anchors = text.includes('&') ? reader.listAnchors() : []
  return { apps: lines, anchors: anchors && limitToApps(anchors, lines, text), values: reader.valuesRead }
}

/** The value of an anchor is not kept if it has several apps, because it changes with each of them. */
function limitToApps(
  anchors: readonly WrittenAnchor[],
  apps: readonly AppLines[],
  text: string,
): WrittenAnchor[] {
  return anchors.map((anchor) => {
    const index = apps.findLastIndex(({ at }) => at <= anchor.at)
    const isInApp = index >= 0 && anchor.end <= (apps[index + 1]?.at ?? text.length)
    return isInApp ? anchor : { ...anchor, text: null }
  })
}

function readTop(reader: YamlReader, entry: YamlEntry): WrittenProc[] {
  if (entry.key === 'apps') return readApps(reader, entry)
  reader.problem({ at: entry.keyAt }, describeUnknownWord(entry.key, ['apps']))
  return []
}
