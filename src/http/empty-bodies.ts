import { errorCodes, type FastifyInstance } from 'fastify'

const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/

/**
 * An empty body is one without fields, whatever type it says it has, as the recorded system takes it. One with bytes
 * in it and a type that no parser knows is refused as before: 415.
 */
export function takeEmptyBodies(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers }) => {
    // Fastify would refuse it before it looks whether there is a body.
    if (!MEDIA_TYPE.test(headers['content-type'] ?? '')) delete headers['content-type']
  })
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: { is404: boolean }, body: Buffer) => {
    if (body.length > 0 && !request.is404) throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()
  })
}
