import { BackupdError, hasCode } from '../lib/errors.ts'
import { namedSteps, type Steps } from '../lib/steps.ts'
import type { ByteSink, ObjectWriter } from '../objects/driver.ts'
import { createSmall } from '../objects/small-objects.ts'
import { type BackupInfo, type Manifest, manifestSchema } from '../wire/backup.ts'
import { parseShape } from '../wire/json.ts'
import { makeManifestInfo } from './backup-info.ts'
import { intentKey, makePieceKey, type Piece } from './layout.ts'
import { manifestText } from './manifest.ts'
import { signManifest } from './manifest-signer.ts'
import { makeEntity, updateMeta } from './meta-file.ts'
import { assertOwner, type Owner } from './owner.ts'
import type { ManifestFacts, PendingBackup } from './store-parts.ts'
import { exclusively, type StoreWorld } from './world.ts'

/** What begin() fixed for a backup; `owner` is who owned the namespace then. */
export interface BegunBackup {
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

export function createPendingBackup(world: StoreWorld, place: BegunBackup, parts: Parts): PendingBackup {
  return new PendingArchive(world, place, parts)
}

class PendingArchive implements PendingBackup {
  readonly name: string
  readonly sequence: number
  readonly created: string
  readonly object: ByteSink
  readonly index: ByteSink
  readonly #world: StoreWorld
  readonly #place: BegunBackup
  readonly #parts: Parts
  /** Pieces that have their names, or may have. */
  readonly #named = new Set<Piece>()
  #isIntended = false
  #isOver = false

  constructor(world: StoreWorld, place: BegunBackup, parts: Parts) {
    this.#world = world
    this.#place = place
    this.#parts = parts
    this.name = place.name
    this.sequence = place.sequence
    this.created = place.created
    this.object = parts.object
    this.index = parts.index
  }

  async publish(facts: ManifestFacts): Promise<{ manifest: Manifest; info: BackupInfo }> {
    const steps = namedSteps(`Cannot publish "${this.name}"`, new AbortController().signal)
    const manifest = await steps.step('sign the manifest', () => this.#sign(this.#manifestOf(facts)))
    await steps.step('sync the archive', () => this.#sync('object', manifest.size))
    await steps.step('sync the index', () => this.#syncIndex(manifest.index))
    await exclusively(this.#world, async () => {
      await steps.step('check the owner', () => assertOwner(this.#world, this.#place.owner))
      await this.#nameAll(steps, manifest)
      this.#isOver = true
      await this.#complete('its intent could not be removed', () =>
        this.#world.driver.remove(this.#intentKey),
      )
      await this.#complete('not in .meta', () => this.#enterInMeta(manifest))
    })
    const found = { namespace: this.#world.identity.ip, name: this.name, size: manifest.size }
    return { manifest, info: makeManifestInfo(manifest, found) }
  }

  /** The manifest goes first and the intent last, each for good, so that no list shows a part of the backup. */
  async abandon(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    const { driver, identity } = this.#world
    await Promise.all([this.#parts.object.abort(), this.#parts.index.abort()])
    if (!this.#isIntended) return
    for (const piece of ['manifest', 'object', 'index'] as const) {
      if (!this.#named.has(piece)) continue
      await driver.remove(this.#key(piece))
      await driver.syncFolder?.(identity.ip)
    }
    await driver.remove(this.#intentKey)
  }

  /**
   * From the archive's name on, a crash is rolled forward by settle instead of undone. An archive without a manifest
   * would be listed as a legacy one, so the intent comes first; each step is on disk before the next.
   */
  async #nameAll({ step }: Steps, manifest: Manifest): Promise<void> {
    const { driver } = this.#world
    const text = manifestText(manifest)
    this.#isIntended = true
    await step('write the intent', () => createSmall(driver, this.#intentKey, text))
    if (manifest.index)
      await step('publish the index', () => this.#name('index', () => this.#parts.index.commit()))
    await step('publish the archive', () => this.#name('object', () => this.#parts.object.commit()))
    await step('publish the manifest', () =>
      this.#name('manifest', () => createSmall(driver, this.#key('manifest'), text)),
    )
  }

  /** A failed commit may still have taken effect, except with CONFLICT: then the name was already in use. */
  async #name(piece: Piece, commit: () => Promise<void>): Promise<void> {
    this.#named.add(piece)
    try {
      await commit()
    } catch (error) {
      if (hasCode(error, 'CONFLICT')) this.#named.delete(piece)
      throw error
    }
  }

  #manifestOf(facts: ManifestFacts): Manifest {
    const { identity, driver } = this.#world
    const { name, sequence, created } = this.#place
    const manifest: Manifest = {
      format: 1,
      ...facts,
      name,
      sequence,
      created,
      server: identity.ip,
      durability: driver.abilities.durability,
      verified: null,
      corrupt: null,
      holds: [],
      writer: identity.version,
    }
    return parseShape(`the manifest of "${name}"`, manifest, manifestSchema)
  }

  async #sign(manifest: Manifest): Promise<Manifest> {
    const pair = await this.#world.readSigningKey?.()
    return pair ? { ...manifest, signature: signManifest(manifest, pair) } : manifest
  }

  async #sync(piece: 'object' | 'index', expected: number): Promise<void> {
    const size = await this.#parts[piece].sync()
    if (size === expected) return
    throw new BackupdError(
      'STORE_UNAVAILABLE',
      `"${this.#key(piece)}" has ${size} bytes, expected ${expected}`,
    )
  }

  async #syncIndex(index: Manifest['index']): Promise<void> {
    if (index) await this.#sync('index', index.size)
    else await this.#parts.index.abort()
  }

  /** Only warns on failure, because the backup is already published; the next start completes it. */
  async #complete(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof BackupdError)) throw error
      this.#world.warn(`"${this.name}" is published, but ${what}: ${error.message}`)
    }
  }

  #enterInMeta(manifest: Manifest): Promise<void> {
    return updateMeta(this.#world, (meta) => {
      meta.put(makeEntity(manifest))
      return true
    })
  }

  #key(piece: Piece): string {
    return makePieceKey(this.#world.identity.ip, this.name, piece)
  }

  get #intentKey(): string {
    return intentKey(this.#world.identity.ip, this.name, this.#place.rid)
  }
}
