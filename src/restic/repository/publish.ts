import type { Driver, ObjectWriter } from '../../objects/driver.ts'
import { parentOf, temporaryName } from './layout.ts'
import type { RepositoryPlace } from './repository.ts'

/** An object that is written under a temporary name, and renamed to its own once it is complete and synced. */
export class Publication {
  readonly #driver: Driver
  readonly #temporary: string
  readonly #writer: ObjectWriter

  private constructor(driver: Driver, temporary: string, writer: ObjectWriter) {
    this.#driver = driver
    this.#temporary = temporary
    this.#writer = writer
  }

  static async begin(place: RepositoryPlace): Promise<Publication> {
    const temporary = temporaryName(place)
    return new Publication(place.driver, temporary, await place.driver.create(temporary))
  }

  write(chunk: Buffer): Promise<void> {
    return this.#writer.write(chunk)
  }

  async publish(name: string): Promise<void> {
    await this.#writer.sync()
    await this.#writer.close()
    await this.#driver.rename(this.#temporary, name)
    await this.#driver.syncFolder(parentOf(name))
  }

  /** Removes what was not published; never throws. */
  async abandon(): Promise<void> {
    await this.#writer.close().catch(() => {})
    await this.#driver.remove(this.#temporary).catch(() => {})
  }
}

/** Publishes a small object; it is on disk under its name when this resolves. */
export async function publishSmall(place: RepositoryPlace, name: string, content: Buffer): Promise<void> {
  const publication = await Publication.begin(place)
  try {
    await publication.write(content)
    await publication.publish(name)
  } catch (error) {
    await publication.abandon()
    throw error
  }
}
