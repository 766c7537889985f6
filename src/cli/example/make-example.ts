import { existsSync } from 'node:fs'
import { appendFile, link, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceAtomically } from '../../lib/atomic-file.ts'
import { makeRandomBytes, tableRows } from './content.ts'

const MIB = 1024 * 1024

/**
 * Creates an example for a first start: an inventory file and two volumes with about 250 MiB in total (tables, binaries,
 * many small files, links, a sparse file). Created once, all or nothing; after an interrupted start it begins again.
 * @returns the inventory file
 */
export async function makeExample(dataDir: string, onMake: () => void): Promise<string> {
  const folder = join(dataDir, 'example')
  const inventory = join(folder, 'inventory.yaml')
  if (existsSync(inventory)) return inventory
  onMake()
  const part = `${folder}.part`
  await rm(part, { recursive: true, force: true })
  await replaceAtomically(folder, part, async () => {
    await makeDatabase(join(part, 'volumes/db'))
    await makeFiles(join(part, 'volumes/files'))
    await writeFile(join(part, 'inventory.yaml'), inventoryText(folder))
  })
  return inventory
}

async function makeDatabase(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (let table = 1; table <= 6; table++) {
    const file = join(folder, `orders-${table}.table`)
    for (let part = 0; part < 16; part++) await appendFile(file, tableRows(`orders-${table}-${part}`, MIB))
  }
  for (let blob = 1; blob <= 4; blob++) {
    await writeFile(join(folder, `blobs-${blob}.bin`), makeRandomBytes(`blobs-${blob}`, 16 * MIB))
  }
  const image = await open(join(folder, 'mostly-holes.img'), 'w')
  await image.truncate(512 * MIB)
  await image.write(makeRandomBytes('image', MIB), 0, MIB, 100 * MIB)
  await image.close()
}

async function makeFiles(folder: string): Promise<void> {
  for (let number = 0; number < 4000; number++) {
    const file = join(folder, 'letters', String(number % 40).padStart(2, '0'), `letter-${number}.txt`)
    if (number < 40) await mkdir(dirname(file), { recursive: true })
    await writeFile(file, tableRows(`letter-${number}`, 200 + ((number * 7919) % 12_000)))
  }
  await mkdir(join(folder, 'photos'))
  for (let photo = 1; photo <= 30; photo++) {
    await writeFile(join(folder, 'photos', `photo ${photo}.jpg`), makeRandomBytes(`photo-${photo}`, 2 * MIB))
  }
  await link(join(folder, 'photos/photo 1.jpg'), join(folder, 'photos/the same as photo 1.jpg'))
  await symlink('photo 2.jpg', join(folder, 'photos/newest.jpg'))
}

function inventoryText(folder: string): string {
  return `# What is backed up, how often, and how long backups are kept. Edit it: a change takes effect within a second.
apps:
  shop:
    web:
      on: [127.0.0.1]
      volumes:
        /data/db:
          path: ${JSON.stringify(join(folder, 'volumes/db'))}
          backup_full: { schedule: "* * * * *", expire: 10m }
        /data/files:
          path: ${JSON.stringify(join(folder, 'volumes/files'))}
          backup_full: { schedule: "*/10 * * * *", expire: 1h }
          backup_increment: { schedule: "*/2 * * * *", expire: 30m }
`
}
