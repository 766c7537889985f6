import { expect, test } from 'vitest'
import { handleNotifyAdd } from '../../../src/daemon/handlers/notify.ts'
import type { DaemonParts } from '../../../src/daemon/http/route.ts'
import { RequestFields } from '../../../src/wire/request-fields.ts'

async function add(address: string, refusal?: string): Promise<string[]> {
  const added: string[] = []
  const notifier = {
    addresses: () => added,
    refuse: () => refusal,
    add: async (target: { address: string }) => void added.push(target.address),
  }
  const call = {
    params: {},
    fields: new RequestFields(new Map([['addr', [address]]])),
    late: AbortSignal.any([]),
  }
  await handleNotifyAdd(call, { notifier } as unknown as DaemonParts)
  return added
}

const LONGEST = `http://10.0.0.9/${'a'.repeat(2000 - 'http://10.0.0.9/'.length)}`

test.each(['http://10.0.0.9:9002/news', 'https://controller/news', LONGEST])(
  '%s is a notify address',
  async (address) => {
    expect(await add(address)).toEqual([address])
  },
)

test.each(['ftp://10.0.0.9/', 'file:///etc', '10.0.0.9:9002', `${LONGEST}a`])(
  '%s is not a notify address',
  async (address) => {
    await expect(add(address)).rejects.toMatchObject({ code: 'BAD_INPUT' })
  },
)

test('an address that the notifier must not use is refused, without its password', async () => {
  const refused = add('http://user:secret@10.0.0.9/news', 'it is enrolled')
  await expect(refused).rejects.toMatchObject({
    code: 'FORBIDDEN',
    message: expect.stringMatching(/^(?!.*secret).*10\.0\.0\.9.*: it is enrolled$/),
  })
})
