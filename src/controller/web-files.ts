import { readdir, readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { APPLICATION_HEADERS } from './browser-headers.ts'

interface WebFile {
  type: string
  content: Buffer
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

/** Reads the built page once, so that no client's path reaches the disk. Path → file; empty if it was not built. */
export async function readWebFiles(dir: string | null): Promise<Map<string, WebFile>> {
  const files = new Map<string, WebFile>()
  if (dir === null) return files
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const type = TYPES[extname(path)] ?? 'application/octet-stream'
    files.set(path.slice(dir.length).split(sep).filter(Boolean).join('/'), {
      type,
      content: await readFile(path),
    })
  }
  return files
}

/** Serves the IDE's files under /ide/, and its page to browsers at /graphql. */
export function addWebRoutes(app: FastifyInstance, files: Map<string, WebFile>): void {
  app.get<{ Params: { '*': string } }>('/ide/*', { config: { access: 'public' } }, (request, reply) => {
    const file = files.get(request.params['*'] || 'index.html')
    if (!file) return reply.callNotFound()
    return reply.headers({ 'content-type': file.type, ...APPLICATION_HEADERS }).send(file.content)
  })
  const page = files.get('index.html')
  if (!page) return
  app.addHook('onRequest', async (request, reply) => {
    const { method, url, headers } = request
    if (method !== 'GET' || url.split('?')[0] !== '/graphql' || !headers.accept?.includes('text/html')) return
    return reply.headers({ 'content-type': page.type, ...APPLICATION_HEADERS }).send(page.content)
  })
}
