import { byteText } from '../../../lib/byte-counts.ts'
import { BackupdError } from '../../../lib/errors.ts'

const MIB = 1024 * 1024
/** Limits of S3. */
const MAX_PARTS = 10_000
const MIN_PART_BYTES = 8 * MIB
/** At most two parts are in memory then, and one more in the buffers of TLS. */
const MAX_PART_BYTES = 64 * MIB
/** After this many parts, their size doubles: 10,000 of 8 MiB would end at 78 GiB. */
const PARTS_OF_A_SIZE = 2000
/** A volume may have grown since its size was known. */
const ROOM_TO_GROW = 1.2
/** Above this size of a part, one is sent while the next is filled. */
const MANY_AT_ONCE_BYTES = 16 * MIB

/** The largest object: all parts have the largest size. */
export const MAX_S3_OBJECT_BYTES = MAX_PARTS * MAX_PART_BYTES

/**
 * How an object is cut into parts. With the expected size, all parts fit from the start; without it, or beyond it, later
 * parts are larger.
 */
export class PartPlan {
  readonly #first: number

  /** Throws BAD_INPUT if the object is too large for any plan. */
  constructor(name: string, expectedBytes = 0) {
    if (expectedBytes > MAX_S3_OBJECT_BYTES) throw tooLarge(name, expectedBytes)
    const needed = Math.ceil((expectedBytes * ROOM_TO_GROW) / MAX_PARTS / MIB) * MIB
    this.#first = Math.min(MAX_PART_BYTES, Math.max(MIN_PART_BYTES, needed))
  }

  /** @param number from 1 */
  sizeOf(number: number): number {
    return Math.min(MAX_PART_BYTES, this.#first * 2 ** Math.floor((number - 1) / PARTS_OF_A_SIZE))
  }

  /** How many parts may wait for the store while the next one is filled. */
  waitingBeside(number: number): number {
    return this.sizeOf(number) > MANY_AT_ONCE_BYTES ? 1 : 3
  }
}

/** Throws BAD_INPUT if a part of this number cannot exist. */
export function checkPartNumber(name: string, number: number, sentBytes: number): void {
  if (number > MAX_PARTS) throw tooLarge(name, sentBytes)
}

function tooLarge(name: string, bytes: number): BackupdError {
  const limit = `an object in a store on S3 has at most ${byteText(MAX_S3_OBJECT_BYTES)}`
  const then = 'Use increments for this volume, or split it'
  return new BackupdError(
    'BAD_INPUT',
    `Cannot create "${name}": it has ${byteText(bytes)} or more, and ${limit}. ${then}`,
    {
      facts: { bytes, limit: MAX_S3_OBJECT_BYTES },
    },
  )
}
