import { join } from 'node:path'
import { openCatalogIn, tempFolder } from '../support/temp-catalog.ts'
import { catalogContract } from './catalog-contract.ts'

catalogContract('SQLite', async () => {
  const folder = await tempFolder()
  return { open: (clock) => openCatalogIn(folder, clock), copyDir: join(folder, 'copies') }
})
