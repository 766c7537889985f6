/** A set of very many inode numbers, in eight bytes each. */
export interface InodeSet {
  has(inode: bigint): boolean
}

export async function collectInodes(children: AsyncIterable<{ inode: bigint }>): Promise<InodeSet> {
  let inodes = new BigUint64Array(1024)
  let count = 0
  for await (const { inode } of children) {
    if (count === inodes.length) {
      const grown = new BigUint64Array(count * 2)
      grown.set(inodes)
      inodes = grown
    }
    inodes[count++] = inode
  }
  const sorted = inodes.subarray(0, count).sort()
  return { has: (inode) => searchSorted(sorted, inode) }
}

function searchSorted(sorted: BigUint64Array, wanted: bigint): boolean {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0n) < wanted) low = middle + 1
    else high = middle
  }
  return sorted[low] === wanted
}
