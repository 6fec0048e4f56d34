/** A stand-in server for looking at the pages: the built application, and answers with made-up data. Never shipped. */
import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { deflateSync } from 'node:zlib'
import * as world from './world.mjs'

const DIST = new URL('../dist/', import.meta.url).pathname
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }
const CSP = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'"
let user = world.user

function send(response, status, body, headers = {}) {
  const text = body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(text)
}

function crc(bytes) {
  let value = ~0
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0)
  }
  return ~value >>> 0
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

/** A small picture whose colours depend on its name. */
export function picture(name, size = 64) {
  const seed = [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973, 7)
  const rows = []
  for (let y = 0; y < size; y += 1) {
    const row = Buffer.alloc(1 + size * 3)
    for (let x = 0; x < size; x += 1) {
      const near = Math.hypot(x - ((seed * 7) % size), y - ((seed * 13) % size)) < size / 4
      row[1 + x * 3] = near ? 240 : (seed * 3 + x * 2) % 256
      row[2 + x * 3] = near ? (seed % 200) : (seed + y * 2) % 256
      row[3 + x * 3] = (seed * 5 + x + y) % 256
    }
    rows.push(row)
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(size, 0)
  head.writeUInt32BE(size, 4)
  head.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))])
}

function raw(response, path, method) {
  const png = /\.(png|jpg)$/.test(path)
  const body = png ? picture(path) : Buffer.from(world.text(path))
  response.writeHead(200, { 'content-type': png ? 'image/png' : 'text/plain', 'content-length': body.length })
  response.end(method === 'HEAD' ? undefined : body)
}

function events(request, response, run) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`event: run\ndata: ${JSON.stringify(run)}\n\n`)
  const timer = setInterval(() => response.write(`event: log\ndata: {"step":"train"}\n\n`), 1000)
  request.on('close', () => clearInterval(timer))
}

function page(response, rows, query) {
  const number = Number(query.get('page') ?? 1)
  const size = Number(query.get('per_page') ?? 20)
  const shown = rows.slice((number - 1) * size, number * size)
  const next = number * size < rows.length ? String(number + 1) : ''
  send(response, 200, shown, { 'x-total': rows.length, 'x-next-page': next, 'x-page': number })
}

const listing = (items, query) => ({ items, total: items.length, page: Number(query.get('page') ?? 1), per_page: Number(query.get('per_page') ?? 20) })

function forge(request, response, path, query) {
  if (path === '/-/session') {
    if (request.method === 'POST') user = world.user
    if (request.method === 'DELETE') user = null
    if (!user) return send(response, 401, { message: '401 Unauthorized' })
    return send(response, request.method === 'POST' ? 201 : 200, { user }, { 'set-cookie': 'mlreef_csrf=abc; Path=/' })
  }
  if (path === '/-/personal_access_tokens') return send(response, 201, { ...world.tokens[0], token: 'glpat-EXAMPLE' })
  if (path === '/api/v4/projects' && request.method === 'GET') return page(response, query.get('starred') ? world.projects.slice(1, 3) : world.projects, query)
  if (path === '/api/v4/namespaces') return page(response, world.namespaces, query)
  if (path === '/api/v4/personal_access_tokens') return page(response, world.tokens, query)
  const match = /^\/api\/v4\/projects\/([^/]+)(\/.*)?$/.exec(path)
  if (!match) return send(response, 404, { message: '404 Not Found' })
  const id = decodeURIComponent(match[1])
  const project = world.projects.find((entry) => String(entry.id) === id || entry.path_with_namespace === id)
  if (!project) return send(response, 404, { message: '404 Project Not Found' })
  const rest = match[2] ?? ''
  if (rest === '') return send(response, 200, project)
  if (rest === '/repository/tags') return page(response, ['v1.2.0', 'v1.1.0'].map((name) => ({ name, message: '', commit: world.commits[0] })), query)
  if (rest === '/repository/branches') return page(response, world.branches, query)
  if (rest === '/repository/tree') return page(response, world.tree(project, query.get('path') ?? ''), query)
  if (rest === '/repository/commits') return page(response, world.commits, query)
  if (rest.endsWith('/diff')) return page(response, world.diffs, query)
  if (rest.startsWith('/repository/commits/')) return send(response, 200, world.commits[0])
  if (rest.startsWith('/members/all')) return page(response, world.members, query)
  if (rest.endsWith('/trace')) return raw(response, 'build.log', 'GET')
  const file = /^\/repository\/files\/([^/]+)(\/raw)?$/.exec(rest)
  if (file) return file[2] ? raw(response, decodeURIComponent(file[1]), request.method) : send(response, 200, undefined, { 'x-gitlab-size': '130' })
  return send(response, 404, { message: '404 Not Found' })
}

function management(request, response, path, query) {
  const at = path.replace('/api/v1', '')
  if (at === '/environments') return send(response, 200, listing(world.environments, query))
  if (at === '/machine-classes') return send(response, 200, listing(world.machines, query))
  if (at === '/processors') return send(response, 200, world.market(query))
  if (at.endsWith('/changes')) return send(response, 200, world.changes)
  if (at === '/usage') return send(response, 200, listing(world.usage, query))
  if (at === '/experiments/compare') return send(response, 200, world.comparison)
  if (/^\/projects\/\d+\/processors$/.test(at)) return send(response, 200, listing(world.processors.slice(0, 3), query))
  if (at.endsWith('/processors/entries')) return send(response, 200, listing(['processor.yaml', 'augment.py', 'train.py'].map((path) => ({ path })), query))
  if (at.endsWith('/processors/inspect')) return send(response, 200, query.get('broken') ? world.failing : world.inspection)
  if (at.endsWith('/publications')) return request.method === 'POST' ? send(response, 202, world.publication) : send(response, 200, listing(world.publications, query))
  if (at.startsWith('/publications/')) return send(response, 200, world.publications.find((entry) => entry.id === at.slice(14)) ?? world.publication)
  if (at.startsWith('/processors/')) return send(response, 200, world.processors.find((entry) => [entry.id, entry.slug].includes(decodeURIComponent(at.slice(12)))) ?? world.processors[0])
  if (at.endsWith('/pipelines/validate')) return send(response, 200, world.validation)
  if (/\/projects\/\d+\/runs$/.test(at)) return request.method === 'POST' ? send(response, 201, world.runs[0]) : send(response, 200, listing(world.runs, query))
  if (/\/projects\/\d+\/experiments$/.test(at)) return send(response, 200, listing(world.experiments, query))
  if (at.endsWith('/visualizations')) return send(response, 200, listing(world.visualizations, query))
  if (at.endsWith('/datasets')) return send(response, 200, listing(world.datasets, query))
  const experiment = /^\/experiments\/([^/]+)(\/\w+)?$/.exec(at)
  if (experiment) {
    if (experiment[2] === '/metrics') return send(response, 200, world.metrics(experiment[1]))
    if (experiment[2] === '/resources') return send(response, 200, { keys: world.resources })
    return send(response, 200, world.experiments.find((entry) => entry.id === experiment[1]))
  }
  const run = /^\/runs\/([^/]+)(\/.*)?$/.exec(at)
  const found = run && world.runs.find((entry) => entry.id === run[1])
  if (!found) return send(response, 404, { error: { kind: 'not_found', message: 'There is no such thing.', details: [] } })
  const rest = run[2] ?? ''
  if (rest === '/events') return events(request, response, found)
  if (rest.endsWith('/log')) return Number(query.get('offset') ?? 0) > 0 ? raw(response, 'empty', 'GET') : raw(response, 'run.log', 'GET')
  if (rest.includes('/files/')) return raw(response, decodeURIComponent(rest.split('/files/')[1]), 'GET')
  if (rest.includes('/outputs/')) return send(response, 200, listing(world.manifest(found), query))
  return send(response, 200, found)
}

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  request.resume()
  if (pathname.startsWith('/api/v1/')) return management(request, response, pathname, searchParams)
  if (/^\/(api\/v4|-)\//.test(pathname)) return forge(request, response, pathname, searchParams)
  const asset = pathname.startsWith('/assets/') ? pathname : '/index.html'
  try {
    const body = await readFile(join(DIST, asset))
    response.writeHead(200, { 'content-type': TYPES[extname(asset)] ?? 'text/html', 'content-security-policy': CSP })
    response.end(body)
  } catch {
    response.writeHead(404).end()
  }
})
server.listen(Number(process.env.PORT ?? 8801), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
