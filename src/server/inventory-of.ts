import type { InventorySource } from '../controller/ports.ts'
import { createInventoryFile } from '../fleet/inventory-file.ts'
import { createLainlet } from '../fleet/lainlet.ts'
import type { Log } from '../lib/log.ts'
import type { Inventory } from '../wire/inventory.ts'

export interface InventoryChoice {
  from: { file: string } | { lainlet: string }
  /** The server of a plain lain.yaml, which names none. */
  localIp: string
  log: Log
  /** The volume paths of each new inventory, before its jobs go anywhere. */
  onPaths?: (paths: string[]) => void
}

/** The inventory that a command line chose. */
export function inventoryOf({ onPaths, from, localIp, log }: InventoryChoice): InventorySource {
  const source =
    'file' in from
      ? createInventoryFile({ file: from.file, localIp, log })
      : createLainlet({ address: from.lainlet, log })
  if (!onPaths) return source
  return {
    watch: (onNews) =>
      source.watch((news) => {
        if (news.kind === 'inventory') onPaths(pathsOf(news.inventory))
        onNews(news)
      }),
  }
}

function pathsOf({ apps }: Inventory): string[] {
  const instances = apps.flatMap(({ procs }) => procs.flatMap((proc) => proc.instances))
  return instances.flatMap(({ volumes }) => volumes.flatMap(({ path }) => path ?? []))
}
