import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { S3Settings } from '../../src/wire/store-settings.ts'
import { onEnd } from './lifetime.ts'
import { tempDir } from './temp-dir.ts'

const BUCKET = 'model'

interface Stored {
  content: Buffer
  etag: string
  modified: Date
  metadata: Record<string, string>
  /** `storage-class`, `server-side-encryption`, …: what was asked for besides, by the name of its header. */
  asked: Record<string, string>
}

interface Upload {
  key: string
  metadata: Record<string, string>
  asked: Record<string, string>
  parts: Map<number, Buffer>
}

export interface S3ModelOptions {
  /** As in a bucket that was made with object lock: it keeps versions, too. */
  objectLock?: boolean
  /** As stores that accept If-None-Match and replace the object all the same. */
  ignoresConditions?: boolean
}

export interface S3Model extends S3ModelOptions {
  settings: S3Settings
  objects: Map<string, Stored>
  uploads: Map<string, Upload>
  /** What was deleted or replaced, with object lock. */
  versions: { key: string; stored: Stored }[]
  /** `PUT key`, in the order of arrival. */
  requests: string[]
  /** How many objects a list without folders has on each page. */
  pageSize: number
}

/**
 * A model of a store with conditional writes (If-None-Match, If-Match), object lock and versions, which the real server of
 * the tests lacks. It has one bucket, in memory, and believes every signature: it proves nothing about S3 but the use of these.
 */
export async function startS3Model(options: S3ModelOptions = {}): Promise<S3Model> {
  const dir = tempDir()
  const credentialsFile = join(dir, 'credentials')
  writeFileSync(credentialsFile, 'aws_access_key_id = model\naws_secret_access_key = model\n')
  const model: Omit<S3Model, 'settings'> = {
    ...options,
    objects: new Map(),
    uploads: new Map(),
    versions: [],
    requests: [],
    pageSize: 1000,
  }
  const server = createServer((request, response) => void answer(model, request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings: S3Settings = {
    driver: 's3',
    bucket: BUCKET,
    prefix: '',
    endpoint,
    pathStyle: true,
    credentialsFile,
  }
  return Object.assign(model, { settings })
}

class Refusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

interface Asked {
  method: string
  bucket: string
  key: string
  query: URLSearchParams
  request: IncomingMessage
  body: Buffer
}

type Model = Omit<S3Model, 'settings'>

async function answer(model: Model, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://model')
  const [, bucket = '', ...key] = url.pathname.split('/').map(decodeURIComponent)
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
  const { method = '' } = request
  const asked = { method, bucket, key: key.join('/'), query: url.searchParams, request, body }
  model.requests.push(`${method} ${asked.key}`)
  try {
    checkMd5(asked)
    route(model, asked)(response)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const text = `<Error><Code>${error.code}</Code><Message>${error.code}</Message></Error>`
    response.writeHead(error.status, { 'content-type': 'application/xml' }).end(method === 'HEAD' ? '' : text)
  }
}

type Send = (response: ServerResponse) => void

function route(model: Model, asked: Asked): Send {
  const { method, bucket, key, query } = asked
  if (bucket !== BUCKET) throw new Refusal(404, 'NoSuchBucket')
  const uploadId = query.get('uploadId')
  if (key === '' && query.has('object-lock')) return lockConfiguration(model)
  if (key === '' && query.has('versioning')) return versioning(model)
  if (key === '') return query.has('uploads') ? listUploads(model, query) : list(model, query)
  if (query.has('uploads')) return beginUpload(model, asked)
  if (uploadId !== null) return routeUpload(model, asked, uploadId)
  if (method === 'PUT') return put(model, asked)
  if (method === 'DELETE') return remove(model, key)
  return get(model, asked)
}

function routeUpload(model: Model, { method, query, request, body }: Asked, id: string): Send {
  const upload = model.uploads.get(id)
  if (!upload) throw new Refusal(404, 'NoSuchUpload')
  if (method === 'PUT') {
    upload.parts.set(Number(query.get('partNumber')), body)
    return (response) => response.writeHead(200, { etag: etagOf(body) }).end()
  }
  if (method === 'DELETE') {
    model.uploads.delete(id)
    return (response) => response.writeHead(204).end()
  }
  if (method === 'GET') {
    const parts = [...upload.parts].map(([number, { length }]) =>
      xml('Part', xml('PartNumber', number) + xml('Size', length)),
    )
    return sendXml('ListPartsResult', parts.join('') + xml('IsTruncated', false))
  }
  const content = Buffer.concat([...upload.parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes))
  const { metadata, asked: was } = upload
  store(model, upload.key, { content, metadata, asked: was, request })
  model.uploads.delete(id)
  return sendXml('CompleteMultipartUploadResult', xml('ETag', etagOf(content)))
}

function lockConfiguration({ objectLock }: Model): Send {
  if (!objectLock) throw new Refusal(404, 'ObjectLockConfigurationNotFoundError')
  return sendXml('ObjectLockConfiguration', xml('ObjectLockEnabled', 'Enabled'))
}

function versioning({ objectLock }: Model): Send {
  return sendXml('VersioningConfiguration', objectLock ? xml('Status', 'Enabled') : '')
}

/** A lock needs a bucket that has it, a digest of the content, and an end that is to come. */
function checkLock({ objectLock }: Model, request: IncomingMessage, needsDigest: boolean): void {
  const { 'x-amz-object-lock-retain-until-date': until, 'content-md5': md5 } = request.headers
  if (until === undefined) return
  const isOver = !(Date.parse(`${until}`) > Date.now())
  if (!objectLock || isOver || (needsDigest && md5 === undefined)) throw new Refusal(400, 'InvalidRequest')
}

function beginUpload(model: Model, { key, request }: Asked): Send {
  checkLock(model, request, false)
  const id = randomUUID()
  model.uploads.set(id, { key, metadata: readMetadata(request), asked: readAsked(request), parts: new Map() })
  return sendXml('InitiateMultipartUploadResult', xml('UploadId', id))
}

function put(model: Model, { key, request, body }: Asked): Send {
  checkLock(model, request, true)
  store(model, key, { content: body, metadata: readMetadata(request), asked: readAsked(request), request })
  return (response) => response.writeHead(200, { etag: etagOf(body) }).end()
}

function store(
  model: Model,
  key: string,
  { request, ...made }: Pick<Stored, 'content' | 'metadata' | 'asked'> & { request: IncomingMessage },
) {
  const before = model.objects.get(key)
  const { 'if-none-match': ifNew, 'if-match': ifMatch } = request.headers
  if (ifNew === '*' && before && !model.ignoresConditions) throw new Refusal(412, 'PreconditionFailed')
  if (ifMatch !== undefined && before?.etag !== ifMatch) throw new Refusal(412, 'PreconditionFailed')
  keepVersion(model, key)
  model.objects.set(key, { ...made, etag: etagOf(made.content), modified: new Date() })
}

/** With versions, even a locked object can be hidden by a delete; it stays as a version. */
function keepVersion({ objectLock, objects, versions }: Model, key: string): void {
  const stored = objects.get(key)
  if (objectLock && stored) versions.push({ key, stored })
}

function remove(model: Model, key: string): Send {
  keepVersion(model, key)
  model.objects.delete(key)
  return (response) => response.writeHead(204).end()
}

function get(model: Model, { method, key, request }: Asked): Send {
  const found = model.objects.get(key)
  if (!found) throw new Refusal(404, 'NoSuchKey')
  const { range, 'if-match': ifMatch } = request.headers
  if (ifMatch !== undefined && ifMatch !== found.etag) throw new Refusal(412, 'PreconditionFailed')
  const [, from = 0, to = found.content.length - 1] =
    /^bytes=(\d+)-(\d+)$/.exec(range ?? '')?.map(Number) ?? []
  const { length } = found.content
  if (range && from >= length) throw new Refusal(416, 'InvalidRange')
  const content = found.content.subarray(from, to + 1)
  const headers = Object.entries(found.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])
  for (const [name, value] of Object.entries(found.asked)) headers.push([`x-amz-${name}`, value])
  if (range) headers.push(['content-range', `bytes ${from}-${from + content.length - 1}/${length}`])
  return (response) =>
    response
      .writeHead(range ? 206 : 200, {
        ...Object.fromEntries(headers),
        etag: found.etag,
        'last-modified': found.modified.toUTCString(),
        'content-length': content.length,
      })
      .end(method === 'HEAD' ? undefined : content)
}

function list(model: Model, query: URLSearchParams): Send {
  const prefix = query.get('prefix') ?? ''
  const after = query.get('start-after') ?? ''
  const all = [...model.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
  const keys = query.has('delimiter') ? all : all.slice(0, model.pageSize)
  const folders = new Set<string>()
  const contents: string[] = []
  for (const key of keys) {
    const end = query.has('delimiter') ? key.indexOf('/', prefix.length) : -1
    if (end >= 0) folders.add(key.slice(0, end + 1))
    else contents.push(describe(key, model.objects.get(key)))
  }
  const prefixes = [...folders].map((folder) => xml('CommonPrefixes', xml('Prefix', encode(folder))))
  const count =
    xml('KeyCount', contents.length + prefixes.length) + xml('IsTruncated', keys.length < all.length)
  return sendXml('ListBucketResult', contents.join('') + prefixes.join('') + count)
}

function describe(key: string, stored: Stored | undefined): string {
  const facts =
    xml('Size', stored?.content.length ?? 0) + xml('LastModified', stored?.modified.toISOString() ?? '')
  return xml('Contents', xml('Key', encode(key)) + facts)
}

function listUploads({ uploads }: Model, query: URLSearchParams): Send {
  const found = [...uploads].filter(([, { key }]) => key.startsWith(query.get('prefix') ?? ''))
  const each = found.map(([id, { key }]) => xml('Upload', xml('Key', key) + xml('UploadId', id)))
  return sendXml('ListMultipartUploadsResult', each.join(''))
}

function sendXml(name: string, content: string): Send {
  return (response) => response.writeHead(200, { 'content-type': 'application/xml' }).end(xml(name, content))
}

function xml(name: string, content: string | number | boolean): string {
  return `<${name}>${content}</${name}>`
}

/** As AWS does for `encoding-type=url`. */
function encode(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
}

function etagOf(content: Buffer): string {
  return `"${createHash('md5').update(content).digest('hex')}"`
}

function checkMd5({ request, body }: Asked): void {
  const claimed = request.headers['content-md5']
  const actual = createHash('md5').update(body).digest('base64')
  if (claimed !== undefined && claimed !== actual) throw new Refusal(400, 'BadDigest')
}

function readMetadata(request: IncomingMessage): Record<string, string> {
  return readHeaders(request, /^x-amz-meta-(.*)/)
}

function readAsked(request: IncomingMessage): Record<string, string> {
  return readHeaders(request, /^x-amz-((?:storage-class|server-side-encryption|object-lock).*)/)
}

function readHeaders({ headers }: IncomingMessage, pattern: RegExp): Record<string, string> {
  const found = Object.entries(headers).map(([name, value]) => [pattern.exec(name)?.[1] ?? '', `${value}`])
  return Object.fromEntries(found.filter(([name]) => name !== ''))
}
