// Where content is cut: a Rabin fingerprint over a window of 64 bytes, as restic's chunker defines it. A chunk ends
// behind the byte where the fingerprint's low 20 bits are zero: not before 512 KiB, and at 8 MiB at the latest.

const MIN: i32 = 512 * 1024
const MAX: i32 = 8 * 1024 * 1024
const CUT: u64 = (1 << 20) - 1
const WINDOW: i32 = 64

/** What a byte that leaves the window adds to the fingerprint, one step on. */
const OUT: usize = memory.data(256 * 8)
/** What the byte that grows out of the fingerprint's top turns into. */
const MOD: usize = memory.data(256 * 8)
/** The bytes before the place that is looked at, in a ring. */
const RING: usize = memory.data(WINDOW)

let shift: u64 = 0
let digest: u64 = 0
let place: i32 = 0
/** Bytes of the chunk so far. */
let count: i32 = 0

/** From here on memory is the caller's. */
export function roomAt(): usize {
  return __heap_base
}

export function init(polynomial: u64): void {
  const degree = degreeOf(polynomial)
  shift = <u64>(degree - 8)
  for (let byte: u64 = 0; byte < 256; byte++) {
    store<u64>(MOD + <usize>byte * 8, remainder(byte << degree, polynomial) | (byte << degree))
  }
  for (let byte: u64 = 0; byte < 256; byte++) {
    let print = remainder(byte, polynomial)
    for (let i = 1; i < WINDOW; i++) print = remainder(print << 8, polynomial)
    store<u64>(OUT + <usize>byte * 8, (print << 8) ^ load<u64>(MOD + <usize>(print >> shift) * 8))
  }
  reset()
}

/** The next byte is the first of a chunk. */
export function reset(): void {
  memory.fill(RING, 0, WINDOW)
  digest = 0
  place = 0
  count = 0
  roll(1)
}

/** Looks at the bytes of [from, to), which follow those it saw before: the end of the chunk, 0 where it goes on. */
export function next(from: usize, to: usize): usize {
  let at = from
  if (count < MIN - WINDOW) {
    const skip = min(MIN - WINDOW - count, <i32>(to - from))
    count += skip
    at += skip
  }
  const warm = at + min(<usize>max(MIN - count, 0), to - at)
  const linear = at + WINDOW
  // The first bytes of a call leave the ring, the others leave what lies before them.
  while (at < warm || (at < to && at < linear)) {
    roll(load<u8>(at++))
    if (++count >= MIN && isCut()) return ended(at)
  }
  if (at >= to) return 0
  const cut = slide(at, to)
  return cut == 0 ? 0 : ended(cut)
}

@inline function roll(byte: u8): void {
  const left = load<u8>(RING + place)
  store<u8>(RING + place, byte)
  place = (place + 1) & (WINDOW - 1)
  digest = step(digest, byte, left, shift)
}

/** The fingerprint is linear: what leaves need not be in it before it moves on. */
@inline function step(print: u64, byte: u8, left: u8, by: u64): u64 {
  const grown = load<u64>(MOD + (<usize>(print >> by) << 3))
  return (print << 8) ^ byte ^ grown ^ load<u64>(OUT + (<usize>left << 3))
}

@inline function isCut(): bool {
  return (digest & CUT) == 0 || count >= MAX
}

function ended(at: usize): usize {
  reset()
  return at
}

/** For bytes behind the minimum that have a window of bytes of this chunk before them. */
function slide(from: usize, to: usize): usize {
  const limit = from + <usize>min(<i32>(to - from), MAX - count)
  const by = shift
  let print = digest
  let at = from
  while (at < limit) {
    print = step(print, load<u8>(at), load<u8>(at - WINDOW), by)
    at++
    if ((print & CUT) == 0) return at
  }
  count += <i32>(at - from)
  if (count >= MAX) return at
  digest = print
  memory.copy(RING, at - WINDOW, WINDOW)
  place = 0
  return 0
}

function degreeOf(polynomial: u64): i32 {
  return 63 - <i32>clz<u64>(polynomial)
}

/** Of a division of polynomials over GF(2). */
function remainder(dividend: u64, polynomial: u64): u64 {
  const degree = degreeOf(polynomial)
  let rest = dividend
  while (rest != 0 && degreeOf(rest) >= degree) rest ^= polynomial << (degreeOf(rest) - degree)
  return rest
}
