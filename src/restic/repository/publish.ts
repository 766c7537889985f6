import type { UnnamedOptions } from '../../objects/driver.ts'
import { temporaryFolder } from './layout.ts'
import type { RepositoryPlace } from './repository.ts'

interface SmallObject extends UnnamedOptions {
  name: string
  content: Buffer
}

/** Publishes a small object; it is on disk under its name when this resolves. */
export async function publishSmall(
  place: RepositoryPlace,
  { name, content, ...options }: SmallObject,
): Promise<void> {
  const writer = await place.driver.createIn(temporaryFolder(place), options)
  try {
    await writer.write(content)
    await writer.commit(name)
  } catch (error) {
    await writer.abort()
    throw error
  }
}
