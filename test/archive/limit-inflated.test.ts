import { expect, test } from 'vitest'
import { limitInflated } from '../../src/archive/limit-inflated.ts'

async function* piecesOf(lengths: readonly number[]): AsyncGenerator<Buffer> {
  for (const length of lengths) yield Buffer.alloc(length)
}

/** The lengths that pass, and whether the limit was hit. */
async function passThrough(lengths: readonly number[], expected: number | undefined) {
  const passed: number[] = []
  try {
    for await (const piece of limitInflated(piecesOf(lengths), expected)) passed.push(piece.length)
    return { passed, isRefused: false }
  } catch (error) {
    expect(error).toMatchObject({ message: expect.stringContaining('the size in its manifest') })
    return { passed, isRefused: true }
  }
}

test.each([
  [[5, 5], 10, [5, 5], false],
  [[5, 6], 10, [5], true],
  [[11], 10, [], true],
  [[5, 5, 1, 100], 10, [5, 5], true],
  [[5, 5], undefined, [5, 5], false],
])(
  'of pieces of %j with %s bytes in the manifest, %j pass: refused %s',
  async (lengths, expected, passed, isRefused) => {
    expect(await passThrough(lengths, expected)).toEqual({ passed, isRefused })
  },
)
