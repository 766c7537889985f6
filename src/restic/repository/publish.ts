import { temporaryFolder } from './layout.ts'
import type { RepositoryPlace } from './repository.ts'

/** Publishes a small object; it is on disk under its name when this resolves. */
export async function publishSmall(place: RepositoryPlace, name: string, content: Buffer): Promise<void> {
  const writer = await place.driver.createIn(temporaryFolder(place))
  try {
    await writer.write(content)
    await writer.commit(name)
  } catch (error) {
    await writer.abort()
    throw error
  }
}
