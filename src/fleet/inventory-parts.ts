import { doAtOnce, doInSlices, type Interruptible } from '../lib/in-slices.ts'
import type { InventoryApp, InventoryNews } from '../wire/inventory.ts'
import { hashPieces, parsePieces, printPieces } from './app-pieces.ts'
import type { InventoryLayout } from './read-inventory.ts'
import { shareEqualParts } from './share-equal-parts.ts'

/** An app as it passes between processes. */
export interface AppPart {
  /** Of its pieces. */
  hash: string
  /** null if the receiver has it already. */
  pieces: string[] | null
}

/** InventoryNews as the difference to what its receiver has: most edits change one app of many. */
export type InventoryParts =
  | { kind: 'inventory'; apps: AppPart[]; layout: InventoryLayout | null; faults?: string[] }
  | Extract<InventoryNews, { kind: 'broken' }>

/** @param known hashes of the apps that the receiver has */
export function splitInventory(
  { news, layout }: { news: InventoryNews; layout: InventoryLayout | null },
  known: ReadonlySet<string>,
): InventoryParts {
  if (news.kind === 'broken') return news
  const apps = news.inventory.apps.map((app) => {
    const pieces = [...printPieces(app)]
    const hash = doAtOnce(hashPieces(pieces))
    return { hash, pieces: known.has(hash) ? null : pieces }
  })
  return { kind: 'inventory', apps, layout, ...(news.faults && { faults: news.faults }) }
}

/** Keeps the apps last received, so that an unchanged one stays the same object, and is not planned again. */
export class ReceivedApps {
  #apps = new Map<string, InventoryApp>()

  get hashes(): string[] {
    return [...this.#apps.keys()]
  }

  get apps(): InventoryApp[] {
    return [...this.#apps.values()]
  }

  /** Puts another version of the app with the same name in its place; false if there is none. */
  async replace(app: InventoryApp): Promise<boolean> {
    if (!this.apps.some(({ name }) => name === app.name)) return false
    const hash = await doInSlices(hashPieces(printPieces(app)))
    await doInSlices(shareEqualParts(app))
    this.#apps = new Map(
      [...this.#apps].map(([known, each]) => (each.name === app.name ? [hash, app] : [known, each])),
    )
    return true
  }

  async join(parts: InventoryParts): Promise<InventoryNews> {
    if (parts.kind === 'broken') return parts
    this.#apps = await doInSlices(this.#receive(parts.apps))
    const { faults } = parts
    return { kind: 'inventory', inventory: { apps: this.apps }, ...(faults && { faults }) }
  }

  *#receive(parts: AppPart[]): Interruptible<Map<string, InventoryApp>> {
    const apps = new Map<string, InventoryApp>()
    for (const { hash, pieces } of parts) {
      const known = this.#apps.get(hash)
      const app = known ?? (pieces === null ? undefined : yield* parsePieces(pieces))
      if (!app) throw new Error('an app of the inventory is missing')
      if (!known) yield* shareEqualParts(app)
      apps.set(hash, app)
      yield
    }
    return apps
  }
}
