import { errorCodes, type FastifyInstance } from 'fastify'

const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/

/**
 * Accepts an empty body of any content type as one without fields, like the legacy system. A non-empty body of an
 * unknown type is still refused with 415.
 */
export function acceptEmptyBodies(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers }) => {
    // Fastify would refuse an invalid type before it checks whether there is a body.
    if (!MEDIA_TYPE.test(headers['content-type'] ?? '')) delete headers['content-type']
  })
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: { is404: boolean }, body: Buffer) => {
    if (body.length > 0 && !request.is404) throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()
  })
}
