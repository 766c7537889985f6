import type { InventoryNews } from '../wire/inventory.ts'
import { checkInventory } from './check-inventory.ts'
import { describeUnknownWord } from './describe-unknown-word.ts'
import { readApps, toApps, type WrittenProc } from './inventory-apps.ts'
import { readLainYaml } from './lain-yaml.ts'
import { printProblems } from './yaml-problems.ts'
import { type YamlEntry, YamlReader } from './yaml-reader.ts'

export interface InventoryText {
  text: string
  /** Its name appears in problems. */
  file: string
  /** The server for a plain lain.yaml, which names none. */
  localIp: string
}

/** Where the apps of an inventory file are, if each has lines of its own. */
export interface InventoryLayout {
  /** Offsets of each app's name and of the line that it is on, in the order of the file. */
  apps: { name: string; at: number; nameAt: number }[]
  /** How many values the file has, aliases resolved. */
  values: number
}

/** Parses an inventory file or a lain.yaml. Returns the inventory, or all problems found. */
export function readInventory(text: InventoryText): InventoryNews {
  return readWithLayout(text).news
}

/** The same with its layout; null if it is not known. */
export function readWithLayout(inventory: InventoryText): {
  news: InventoryNews
  layout: InventoryLayout | null
} {
  const reader = new YamlReader(inventory.text)
  const news = readNews(reader, inventory)
  return { news, layout: news.kind === 'inventory' ? findLayout(reader, inventory.text) : null }
}

function readNews(reader: YamlReader, { file, localIp }: InventoryText): InventoryNews {
  const procs = reader.problems.length > 0 ? [] : readRoot(reader, localIp)
  if (reader.problems.length === 0) checkInventory(reader, procs)
  if (reader.problems.length > 0) return { kind: 'broken', problem: printProblems(file, reader.problems) }
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
  const positions = reader.entries(apps, '').map(({ key, keyAt }) => {
    return { name: key, at: text.lastIndexOf('\n', keyAt) + 1, nameAt: keyAt }
  })
  return { apps: positions, values: reader.valuesRead }
}

function readTop(reader: YamlReader, entry: YamlEntry): WrittenProc[] {
  if (entry.key === 'apps') return readApps(reader, entry)
  reader.problem({ at: entry.keyAt }, describeUnknownWord(entry.key, ['apps']))
  return []
}
