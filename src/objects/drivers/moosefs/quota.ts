/** A limit on the bytes of a MooseFS directory. */
export interface DirectoryQuota {
  usedBytes: number
  limitBytes: number
  /** A soft limit is exceeded, which becomes a hard one after its grace period. */
  isOver: boolean
}

/** `inodes:32 length:64 size:64 realsize:64`; the end of the answer has three sets: soft limits, hard limits, usage. */
const SET_BYTES = 28
/** Offset of each kind of bytes in a set, and its soft-limit flag; the flag of the hard limit is 4 bits higher. */
const KINDS = [
  { at: 4, flag: 0x02 },
  { at: 12, flag: 0x04 },
  { at: 20, flag: 0x08 },
]

/** Parses an answer to QUOTACONTROL. Returns the limit with the least room left; null if none is set. */
export function parseQuota(answer: Buffer): DirectoryQuota | null {
  if (answer.length < 1 + 3 * SET_BYTES) return null
  const flags = answer.readUInt8(0)
  const [soft, hard, used] = [3, 2, 1].map((set) => answer.subarray(answer.length - set * SET_BYTES)) as [
    Buffer,
    Buffer,
    Buffer,
  ]
  const bytes = (set: Buffer, at: number) => Number(set.readBigUInt64BE(at))
  const limits = KINDS.flatMap(({ at, flag }) => [
    ...(flags & flag ? [{ limitBytes: bytes(soft, at), usedBytes: bytes(used, at), isSoft: true }] : []),
    ...(flags & (flag << 4)
      ? [{ limitBytes: bytes(hard, at), usedBytes: bytes(used, at), isSoft: false }]
      : []),
  ]).sort((a, b) => a.limitBytes - a.usedBytes - (b.limitBytes - b.usedBytes))
  const narrowest = limits[0]
  if (!narrowest) return null
  const { usedBytes, limitBytes } = narrowest
  return {
    usedBytes,
    limitBytes,
    isOver: limits.some((each) => each.isSoft && each.usedBytes > each.limitBytes),
  }
}
