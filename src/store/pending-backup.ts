import { BackupdError } from '../lib/errors.ts'
import { namedSteps } from '../lib/steps.ts'
import type { ObjectWriter } from '../objects/driver.ts'
import { createSmall } from '../objects/small-objects.ts'
import { type BackupInfo, type Manifest, manifestSchema } from '../wire/backup.ts'
import { parseShape } from '../wire/json.ts'
import { infoOfManifest } from './backup-info.ts'
import { keyOf, type Piece } from './layout.ts'
import { manifestText } from './manifest.ts'
import { entityOf, updateMeta } from './meta-file.ts'
import { assertOwner, type Owner } from './owner.ts'
import type { ManifestFacts, PendingBackup } from './store.ts'
import { exclusively, type StoreWorld } from './world.ts'

/** What begin() fixed for a backup; `owner` is who owned the namespace then. */
export interface Place {
  name: string
  rid: string
  created: string
  sequence: number
  owner: Owner
}

interface Parts {
  object: ObjectWriter
  index: ObjectWriter
}

/** How far the backup got. From `renamed` on, a crash is rolled forward by settle instead of undone. */
type Stage = 'writing' | 'renamed' | 'published' | 'abandoned'

export function createPendingBackup(world: StoreWorld, place: Place, parts: Parts): PendingBackup {
  return new PendingArchive(world, place, parts)
}

class PendingArchive implements PendingBackup {
  readonly name: string
  readonly sequence: number
  readonly created: string
  readonly object: ObjectWriter
  readonly index: ObjectWriter
  readonly #world: StoreWorld
  readonly #place: Place
  #stage: Stage = 'writing'

  constructor(world: StoreWorld, place: Place, { object, index }: Parts) {
    this.#world = world
    this.#place = place
    this.name = place.name
    this.sequence = place.sequence
    this.created = place.created
    this.object = object
    this.index = index
  }

  async publish(facts: ManifestFacts): Promise<{ manifest: Manifest; info: BackupInfo }> {
    const manifest = this.#manifestOf(facts)
    const steps = namedSteps(`Cannot publish "${this.name}"`, new AbortController().signal)
    await steps.step('sync the archive', () => this.#finish('object', manifest.size))
    await steps.step('sync the index', () => this.#finishIndex(manifest.index))
    await steps.step('write the manifest', () => this.#writeManifest(manifest))
    await exclusively(this.#world, async () => {
      await steps.step('check the owner', () => assertOwner(this.#world, this.#place.owner))
      await steps.step('rename the archive', () => this.#renameData(manifest))
      await steps.step('rename the manifest', () => this.#renameManifest())
      await this.#enterInMeta(manifest)
    })
    const found = { namespace: this.#world.identity.ip, name: this.name, size: manifest.size }
    return { manifest, info: infoOfManifest(manifest, found) }
  }

  async abandon(): Promise<void> {
    const stage = this.#stage
    if (stage === 'published' || stage === 'abandoned') return
    this.#stage = 'abandoned'
    await Promise.allSettled([this.object.close(), this.index.close()])
    if (stage === 'renamed') {
      await this.#remove('object')
      await this.#remove('index')
    }
    for (const piece of ['object', 'index', 'manifest'] as const) await this.#remove(piece, this.#place.rid)
  }

  #manifestOf(facts: ManifestFacts): Manifest {
    const { identity, driver } = this.#world
    const { name, sequence, created } = this.#place
    const manifest: Manifest = {
      format: 1,
      ...facts,
      ...{ name, sequence, created, server: identity.ip, durability: driver.abilities.durability },
      ...{ verified: null, corrupt: null, holds: [], writer: identity.version },
    }
    return parseShape(`the manifest of "${name}"`, manifest, manifestSchema)
  }

  async #finish(piece: 'object' | 'index', size: number): Promise<void> {
    await this[piece].sync()
    await this[piece].close()
    const key = this.#key(piece, this.#place.rid)
    const written = await this.#world.driver.stat(key)
    if (written?.size === size) return
    throw new BackupdError(
      'STORE_UNAVAILABLE',
      `"${key}" has ${written?.size ?? 'no'} bytes, expected ${size}`,
    )
  }

  async #finishIndex(index: Manifest['index']): Promise<void> {
    if (index) return this.#finish('index', index.size)
    await this.index.close()
    await this.#remove('index', this.#place.rid)
  }

  async #writeManifest(manifest: Manifest): Promise<void> {
    await createSmall(this.#world.driver, this.#key('manifest', this.#place.rid), manifestText(manifest))
    await this.#syncFolder()
  }

  /** Syncs the folder before the manifest is renamed: after a power loss no manifest may lack its archive. */
  async #renameData(manifest: Manifest): Promise<void> {
    await this.#publishObject()
    if (manifest.index) await this.#rename('index')
    await this.#syncFolder()
  }

  /** A failed publish may still have taken effect, except with CONFLICT: then the name was already in use. */
  async #publishObject(): Promise<void> {
    this.#stage = 'renamed'
    try {
      await this.#world.driver.publish(this.#key('object', this.#place.rid), this.#key('object'))
    } catch (error) {
      if (error instanceof BackupdError && error.code === 'CONFLICT') this.#stage = 'writing'
      throw error
    }
  }

  async #renameManifest(): Promise<void> {
    await this.#rename('manifest')
    this.#stage = 'published'
    await this.#syncFolder()
  }

  /** Only warns on failure, because the backup is already published; the next start adds the missing entry. */
  async #enterInMeta(manifest: Manifest): Promise<void> {
    try {
      await updateMeta(this.#world, (meta) => {
        meta.put(entityOf(manifest))
        return true
      })
    } catch (error) {
      if (!(error instanceof BackupdError)) throw error
      this.#world.warn(`"${this.name}" is published, but not in .meta: ${error.message}`)
    }
  }

  #key(piece: Piece, rid?: string): string {
    return keyOf(this.#world.identity.ip, this.name, piece, rid)
  }

  #rename(piece: Piece): Promise<void> {
    return this.#world.driver.rename(this.#key(piece, this.#place.rid), this.#key(piece))
  }

  #remove(piece: Piece, rid?: string): Promise<void> {
    return this.#world.driver.remove(this.#key(piece, rid))
  }

  #syncFolder(): Promise<void> {
    return this.#world.driver.syncFolder(this.#world.identity.ip)
  }
}
