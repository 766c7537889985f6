import { messageOf } from '../lib/errors.ts'
import type { AppPart } from './inventory-parts.ts'
import type { InventoryMessage, InventoryRequest } from './inventory-process.ts'
import { readParts } from './read-parts.ts'

/** Characters, and apps. A message is larger only by its last piece. */
const [MAX_MESSAGE_LENGTH, MAX_MESSAGE_PARTS] = [256 * 1024, 1000]

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
    return [...pageParts(apps), { parts: { ...rest, apps: [] } }]
  } catch (error) {
    return [{ failed: messageOf(error) }]
  }
}

function* pageParts(apps: readonly AppPart[]): Generator<InventoryMessage> {
  let [page, length]: [AppPart[], number] = [[], 0]
  for (const part of listParts(apps)) {
    page.push(part)
    length += part.pieces?.[0]?.length ?? 0
    if (length < MAX_MESSAGE_LENGTH && page.length < MAX_MESSAGE_PARTS) continue
    yield { apps: page }
    page = []
    length = 0
  }
  yield { apps: page }
}

/** A part for each piece. */
function* listParts(apps: readonly AppPart[]): Generator<AppPart> {
  for (const { hash, pieces } of apps) {
    if (pieces === null) yield { hash, pieces }
    else for (const piece of pieces) yield { hash, pieces: [piece] }
  }
}
