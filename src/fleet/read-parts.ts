import { BackupdError } from '../lib/errors.ts'
import type { InventoryNews } from '../wire/inventory.ts'
import { readBackupSpec } from './backup-spec.ts'
import { type InventoryParts, splitInventory } from './inventory-parts.ts'
import type { InventoryRequest } from './inventory-process.ts'
import { readWithLayout } from './read-inventory.ts'

/** Parses an inventory, as the difference to the apps that the receiver has. */
export function readParts({ text, known }: InventoryRequest): InventoryParts {
  const read = 'document' in text ? { news: readDocument(text.document), layout: null } : readWithLayout(text)
  return splitInventory(read, new Set(known))
}

function readDocument(document: string): InventoryNews {
  try {
    return { kind: 'inventory', ...readBackupSpec(document) }
  } catch (error) {
    if (error instanceof BackupdError) return { kind: 'broken', problem: error.message }
    throw error
  }
}
