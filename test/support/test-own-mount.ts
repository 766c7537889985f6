import { test } from 'vitest'
import { noFlags } from './refused-renames.ts'
import { canMount } from './tmpfs.ts'

/** For tests on a volume that `given` puts on a mount of its own, with chattr. */
export const testOwnMount = test.skipIf(!canMount || noFlags !== undefined)
