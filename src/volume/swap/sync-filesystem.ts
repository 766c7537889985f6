import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { loadKernel } from '../../lib/kernel.ts'
import { type Folder, lookUp, namesIn, openFolder } from './folder.ts'

/** Everything written so far to the file system of this folder (at least all that is in it) is on disk when it resolves. */
export async function syncFilesystem(folder: Folder): Promise<void> {
  const kernel = loadKernel()
  if (kernel) kernel.syncfs(folder.fd)
  else await syncEach(folder)
}

async function syncEach(folder: Folder): Promise<void> {
  for await (const name of namesIn(folder)) {
    const stats = lookUp(folder, name)
    if (stats?.isDirectory()) {
      await using inner = await openFolder(folder.at(name))
      await syncEach(inner)
    } else if (stats?.isFile()) {
      await using file = await open(folder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW)
      await file.sync()
    }
  }
  await folder.sync()
}
