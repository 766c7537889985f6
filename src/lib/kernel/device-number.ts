/** Linux's dev_t: 12 + 20 bits of major and 20 + 12 of minor in 64 (glibc's sys/sysmacros.h). */
export function makeDevice(major: number, minor: number): bigint {
  const a = BigInt(major)
  const b = BigInt(minor)
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffffff00n) << 12n) | (b & 0xffn)
}

export function readMajor(device: bigint): number {
  return Number(((device >> 32n) & 0xfffff000n) | ((device >> 8n) & 0xfffn))
}

export function readMinor(device: bigint): number {
  return Number(((device >> 12n) & 0xffffff00n) | (device & 0xffn))
}
