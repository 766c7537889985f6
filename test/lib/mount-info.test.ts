import { expect, it } from 'vitest'
import { parseMountInfo } from '../../src/lib/mount-info.ts'

it('reads the mounts of a process', () => {
  const text = [
    '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw',
    '57 27 0:41 /lain /mnt/with\\040space rw,nosuid - fuse mfs\\04310.77.0.1:9421 rw,user_id=0',
    '',
  ].join('\n')
  expect(parseMountInfo(text)).toEqual([
    { id: '27', parent: '1', device: '254:0', root: '/', point: '/', type: 'ext4', source: '/dev/root' },
    {
      id: '57',
      parent: '27',
      device: '0:41',
      root: '/lain',
      point: '/mnt/with space',
      type: 'fuse',
      source: 'mfs#10.77.0.1:9421',
    },
  ])
})
