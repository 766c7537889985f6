import { createHash } from 'node:crypto'
import { doInSlices, type Interruptible } from '../lib/in-slices.ts'
import type { InventoryApp, InventoryNews } from '../wire/inventory.ts'

/** An app as it passes between threads. */
interface AppPart {
  /** Of its JSON. */
  hash: string
  /** null if the receiver has it already. */
  json: string | null
}

/** InventoryNews as the difference to what its receiver has: most edits change one app of many. */
export type InventoryParts =
  | { kind: 'inventory'; apps: AppPart[] }
  | Extract<InventoryNews, { kind: 'broken' }>

/** @param known hashes of the apps that the receiver has */
export function splitInventory(news: InventoryNews, known: ReadonlySet<string>): InventoryParts {
  if (news.kind === 'broken') return news
  const apps = news.inventory.apps.map((app) => {
    const json = JSON.stringify(app)
    const hash = createHash('sha256').update(json).digest('hex')
    return { hash, json: known.has(hash) ? null : json }
  })
  return { kind: 'inventory', apps }
}

/** Keeps the apps last received, so that an unchanged one stays the same object, and is not planned again. */
export class ReceivedApps {
  #apps = new Map<string, InventoryApp>()

  get hashes(): string[] {
    return [...this.#apps.keys()]
  }

  async join(parts: InventoryParts): Promise<InventoryNews> {
    if (parts.kind === 'broken') return parts
    this.#apps = await doInSlices(this.#receive(parts.apps))
    return { kind: 'inventory', inventory: { apps: [...this.#apps.values()] } }
  }

  *#receive(parts: AppPart[]): Interruptible<Map<string, InventoryApp>> {
    const apps = new Map<string, InventoryApp>()
    for (const { hash, json } of parts) {
      const app = this.#apps.get(hash) ?? (json === null ? undefined : (JSON.parse(json) as InventoryApp))
      if (!app) throw new Error('an app of the inventory is missing')
      apps.set(hash, app)
      yield
    }
    return apps
  }
}
