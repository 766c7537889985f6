import { messageOf } from '../lib/errors.ts'
import type { InventoryMessage, InventoryRequest } from './inventory-process.ts'
import { readParts } from './read-parts.ts'

const APPS_PER_MESSAGE = 50

/** The entry of a process that parses one inventory, because large ones take seconds, and then ends. */
process.once('message', (request: InventoryRequest) => {
  for (const message of makeMessages(request)) process.send?.(message)
  process.send?.(null, () => process.disconnect())
})

function makeMessages(request: InventoryRequest): InventoryMessage[] {
  try {
    const parts = readParts(request)
    if (parts.kind !== 'inventory') return [{ parts }]
    const { apps, ...rest } = parts
    const pages = Array.from({ length: Math.ceil(apps.length / APPS_PER_MESSAGE) }, (_, n) =>
      apps.slice(n * APPS_PER_MESSAGE, (n + 1) * APPS_PER_MESSAGE),
    )
    return [...pages.map((page) => ({ apps: page })), { parts: { ...rest, apps: [] } }]
  } catch (error) {
    return [{ failed: messageOf(error) }]
  }
}
