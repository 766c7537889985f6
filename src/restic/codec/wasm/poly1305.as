// Poly1305 (RFC 8439, 2.5) in limbs of 26 bits, whose products and sums of products fit into 64 bits.
// The r that is handed in is clamped here, so that one masked beforehand stays as it is.

const ROOM: i32 = 32768
/** r and s come in here, 32 bytes; the tag goes out here, 16 bytes. */
const KEY: usize = memory.data(32)
const INPUT: usize = memory.data(ROOM)
const LAST: usize = memory.data(16)

const LIMB: u64 = 0x3ffffff
const FULL_BLOCK: u64 = 1 << 24

let r0: u64 = 0
let r1: u64 = 0
let r2: u64 = 0
let r3: u64 = 0
let r4: u64 = 0
let h0: u64 = 0
let h1: u64 = 0
let h2: u64 = 0
let h3: u64 = 0
let h4: u64 = 0

export function keyAt(): usize {
  return KEY
}

export function inputAt(): usize {
  return INPUT
}

export function room(): i32 {
  return ROOM
}

export function begin(): void {
  const low = load<u64>(KEY) & 0x0ffffffc0fffffff
  const high = load<u64>(KEY + 8) & 0x0ffffffc0ffffffc
  r0 = low & LIMB
  r1 = (low >> 26) & LIMB
  r2 = ((low >> 52) | (high << 12)) & LIMB
  r3 = (high >> 14) & LIMB
  r4 = high >> 40
  h0 = h1 = h2 = h3 = h4 = 0
}

/** Takes all of the input area. */
export function update(): void {
  absorb(INPUT, ROOM, FULL_BLOCK)
}

/** Takes the last `length` bytes, from the start of the input area, and leaves the tag at keyAt(). */
export function finish(length: i32): void {
  const rest = length & 15
  const whole = length - rest
  absorb(INPUT, whole, FULL_BLOCK)
  if (rest > 0) {
    memory.fill(LAST, 0, 16)
    memory.copy(LAST, INPUT + whole, rest)
    store<u8>(LAST + rest, 1)
    absorb(LAST, 16, 0)
  }
  storeTag()
}

function absorb(from: usize, length: i32, top: u64): void {
  const a0 = r0, a1 = r1, a2 = r2, a3 = r3, a4 = r4
  const b1 = a1 * 5, b2 = a2 * 5, b3 = a3 * 5, b4 = a4 * 5
  let g0 = h0, g1 = h1, g2 = h2, g3 = h3, g4 = h4
  const end = from + length
  for (let at = from; at < end; at += 16) {
    const low = load<u64>(at)
    const high = load<u64>(at, 8)
    g0 += low & LIMB
    g1 += (low >> 26) & LIMB
    g2 += ((low >> 52) | (high << 12)) & LIMB
    g3 += (high >> 14) & LIMB
    g4 += (high >> 40) | top

    const d0 = g0 * a0 + g1 * b4 + g2 * b3 + g3 * b2 + g4 * b1
    let d1 = g0 * a1 + g1 * a0 + g2 * b4 + g3 * b3 + g4 * b2
    let d2 = g0 * a2 + g1 * a1 + g2 * a0 + g3 * b4 + g4 * b3
    let d3 = g0 * a3 + g1 * a2 + g2 * a1 + g3 * a0 + g4 * b4
    let d4 = g0 * a4 + g1 * a3 + g2 * a2 + g3 * a1 + g4 * a0

    d1 += d0 >> 26
    d2 += d1 >> 26
    d3 += d2 >> 26
    d4 += d3 >> 26
    g0 = (d0 & LIMB) + (d4 >> 26) * 5
    g1 = (d1 & LIMB) + (g0 >> 26)
    g0 &= LIMB
    g2 = d2 & LIMB
    g3 = d3 & LIMB
    g4 = d4 & LIMB
  }
  h0 = g0
  h1 = g1
  h2 = g2
  h3 = g3
  h4 = g4
}

/** h modulo 2^130 - 5, plus s, modulo 2^128. */
function storeTag(): void {
  carry()
  carry()
  let low = h0 | (h1 << 26) | (h2 << 52)
  let high = (h2 >> 12) | (h3 << 14) | (h4 << 40)
  if (isOverPrime()) {
    low += 5
    if (low < 5) high++
  }
  const sLow = load<u64>(KEY, 16)
  const sum = low + sLow
  store<u64>(KEY, sum)
  store<u64>(KEY, high + load<u64>(KEY, 24) + <u64>(sum < sLow), 8)
}

function carry(): void {
  h2 += h1 >> 26
  h1 &= LIMB
  h3 += h2 >> 26
  h2 &= LIMB
  h4 += h3 >> 26
  h3 &= LIMB
  h0 += (h4 >> 26) * 5
  h4 &= LIMB
  h1 += h0 >> 26
  h0 &= LIMB
}

function isOverPrime(): bool {
  return h0 >= LIMB - 4 && (h1 & h2 & h3 & h4) == LIMB
}
