import type { Driver, ObjectReader } from '../../src/objects/driver.ts'
import type { RepositoryKey } from '../../src/restic/codec/crypt.ts'
import type { Repository } from '../../src/restic/repository/repository.ts'
import { readerOf } from './unpack-kit.ts'

type Source = Pick<Repository, 'place' | 'key' | 'locate' | 'readBlob' | 'distrust'>

/** A repository of one pack with one blob; its index claims that the blob has `plainLength` bytes. */
export function packed(key: RepositoryKey, sealed: Buffer): { of(plainLength: number): Source } {
  const open = async (): Promise<ObjectReader> => readerOf(sealed)
  return {
    of: (plainLength) => ({
      place: { driver: { open } as unknown as Driver, base: 'repo' },
      key,
      locate: () => ({
        pack: 'a'.repeat(64),
        offset: 0,
        length: sealed.length,
        plainLength,
        compressed: true,
      }),
      readBlob: async () => {
        throw new Error('it is compressed, and streamed')
      },
      distrust: () => {},
    }),
  }
}

const BLOCK = 512

/** A tar with one file in it. */
export function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK)
  const put = (at: number, text: string) => header.write(text, at, 'latin1')
  put(0, name)
  put(100, '0000644\0')
  put(108, '0000000\0')
  put(116, '0000000\0')
  put(124, `${content.length.toString(8).padStart(11, '0')}\0`)
  put(136, '00000000000\0')
  put(148, '        ')
  put(156, '0')
  put(257, 'ustar\x0000')
  const sum = header.reduce((all, byte) => all + byte, 0)
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `)
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)
  return Buffer.concat([header, content, padding, Buffer.alloc(2 * BLOCK)])
}
