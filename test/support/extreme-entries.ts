import fc from 'fast-check'
import type { EntryType, TreeEntry, Xattr } from '../../src/volume/tree/entry.ts'

/** The most extreme entries of a volume, for tests that write an entry and read it back. */

const NS_PER_SECOND = 1_000_000_000n
const KERNEL_SECONDS = 2n ** 63n - 1n

const seconds = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n, 2n ** 33n, 2n ** 34n, 10n ** 12n - 1n, 10n ** 12n, 10n ** 15n),
  fc.constantFrom(KERNEL_SECONDS, -KERNEL_SECONDS, 253_402_300_799n, 253_402_300_800n, -62_167_219_201n),
  fc.bigInt({ min: -KERNEL_SECONDS, max: KERNEL_SECONDS }),
)
const fraction = fc.oneof(fc.constantFrom(0n, 1n, 999_999_999n), fc.bigInt({ min: 0n, max: 999_999_999n }))

/** Nanoseconds since 1970, as far as the kernel counts. */
export const extremeTime = fc
  .tuple(seconds, fraction)
  .map(([whole, part]) => whole * NS_PER_SECOND + (whole === KERNEL_SECONDS ? 0n : part))

const nameByte = fc.oneof(
  fc.constantFrom(0x0a, 0x22, 0x25, 0x3d, 0x5c, 0x78, 0xff, 0xc3, 0x80, 0xef, 0xbf, 0xbd),
  fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f),
)

export const extremeName = fc
  .oneof(
    fc.array(nameByte, { minLength: 1, maxLength: 20 }),
    fc.array(nameByte, { minLength: 95, maxLength: 255 }),
  )
  .map((bytes) => Buffer.from(bytes))
  .filter((name) => !['.', '..'].includes(name.toString('latin1')))

export const extremePath = fc
  .array(extremeName, { minLength: 1, maxLength: 3 })
  .map((names) => Buffer.concat(names.flatMap((name, at) => (at === 0 ? [name] : [Buffer.from('/'), name]))))

const id32 = fc.oneof(
  fc.constantFrom(0, 0o7777777, 0o7777777 + 1, 2 ** 31, 2 ** 32 - 2),
  fc.integer({ min: 0, max: 2 ** 32 - 2 }),
)
const id64 = fc.oneof(
  fc.constantFrom(0n, 2n ** 53n + 1n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
)

export const extremeSize = fc.oneof(
  fc.constantFrom(0, 1, 511, 512, 0o77777777777, 0o77777777777 + 1, Number.MAX_SAFE_INTEGER),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
)

const xattr: fc.Arbitrary<Xattr> = fc.record({
  name: fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .map((text) => Buffer.from(`user.${text.replaceAll('\0', '')}`)),
  value: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
})

const TYPES: EntryType[] = ['file', 'directory', 'symlink', 'fifo', 'chardev', 'blockdev']

/** As stat-entry.ts makes them: fields that a type lacks are 0 or null. */
export const extremeEntry: fc.Arbitrary<TreeEntry> = fc
  .record({
    type: fc.constantFrom(...TYPES),
    path: extremePath,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: id32,
    gid: id32,
    size: extremeSize,
    mtimeNs: extremeTime,
    ctimeNs: extremeTime,
    device: id64,
    inode: id64,
    links: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
    major: fc.integer({ min: 0, max: 4095 }),
    minor: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
    linkTarget: extremePath,
    xattrs: fc.uniqueArray(xattr, { maxLength: 4, selector: ({ name }) => name.toString('latin1') }),
  })
  .map((all) => {
    const isDevice = all.type === 'chardev' || all.type === 'blockdev'
    return {
      ...all,
      size: all.type === 'file' ? all.size : 0,
      major: isDevice ? all.major : 0,
      minor: isDevice ? all.minor : 0,
      linkTarget: all.type === 'symlink' ? all.linkTarget : null,
      extents: null,
    }
  })
