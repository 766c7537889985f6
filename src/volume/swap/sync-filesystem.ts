import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { loadKernel } from '../../lib/kernel.ts'
import { type Folder, openFolder, statEntry, streamNames } from './folder.ts'

/** Syncs the file system of this folder to disk or, without kernel calls, at least the content of the folder. */
export async function syncFilesystem(folder: Folder): Promise<void> {
  const kernel = loadKernel()
  if (kernel) kernel.syncfs(folder.fd)
  else await syncContent(folder)
}

async function syncContent(folder: Folder): Promise<void> {
  for await (const name of streamNames(folder)) {
    const stats = statEntry(folder, name)
    if (stats?.isDirectory()) {
      await using inner = await openFolder(folder.at(name))
      await syncContent(inner)
    } else if (stats?.isFile()) {
      await using file = await open(folder.at(name), constants.O_RDONLY | constants.O_NOFOLLOW)
      await file.sync()
    }
  }
  await folder.sync()
}
