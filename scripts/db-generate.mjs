// Makes the database client of prisma/schema.prisma in src/catalog/generated. Needs no network:
// the schema engine that Prisma would download is not used for this, so any program stands in for it.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js')

execFileSync(process.execPath, [prisma, 'generate', '--schema', 'prisma/schema.prisma', '--no-hints'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  },
})
