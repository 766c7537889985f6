import type { BeginInput, ManifestFacts, StoreParts } from '../../src/store/store-parts.ts'
import type { Manifest } from '../../src/wire/backup.ts'
import { newRid } from '../../src/wire/ids.ts'
import { onEnd } from './lifetime.ts'
import { ARCHIVE, factsOf, INDEX, OBJECT, SOURCE, T0 } from './store-samples.ts'

/** A backup that is written, not yet published. */
export async function writePendingBackup(
  store: StoreParts,
  { archive = ARCHIVE, source = SOURCE, rid = newRid(T0 * 1000), ...more }: Partial<BeginInput> = {},
) {
  const pending = await store.begin({ archive, rid, source, ...more })
  // A test may leave it like a killed process; its files are closed and removed after the test.
  onEnd(() => pending.abandon().catch(() => {}))
  await pending.object.write(OBJECT)
  await pending.index.write(INDEX)
  return { pending, rid }
}

/** A published backup. */
export async function publishSample(
  store: StoreParts,
  { archive = ARCHIVE, source = SOURCE, ...change }: Partial<ManifestFacts> & { archive?: string } = {},
): Promise<Manifest> {
  const { pending, rid } = await writePendingBackup(store, { archive, source })
  return (await pending.publish(factsOf(rid, { source, ...change }))).manifest
}
