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

/** Parses an inventory file or a lain.yaml. Returns the inventory, or all problems found. */
export function readInventory({ text, file, localIp }: InventoryText): InventoryNews {
  const reader = new YamlReader(text)
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

function readTop(reader: YamlReader, entry: YamlEntry): WrittenProc[] {
  if (entry.key === 'apps') return readApps(reader, entry)
  reader.problem({ at: entry.keyAt }, describeUnknownWord(entry.key, ['apps']))
  return []
}
