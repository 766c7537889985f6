import { execFileSync } from 'node:child_process'
import { rmdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onEnd } from './lifetime.ts'

const SIZE = 16 << 20

/** Mounts a small ext4 on a folder until the test ends. Then staging must lie inside: next to it is another mount. */
export function mountOwn(folder: string, image: string): void {
  writeFileSync(image, '')
  truncateSync(image, SIZE)
  run('mkfs.ext4', '-q', image)
  run('mount', '-o', 'loop', image, folder)
  onEnd(() => run('umount', '-l', folder))
  rmdirSync(join(folder, 'lost+found'))
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: 'pipe' })
}
