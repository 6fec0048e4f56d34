/** The one place that talks HTTP: prefix, CSRF header, both error dialects, paging headers. */

export type Detail = { field: string; message: string; location?: unknown }

export class ApiError extends Error {
  readonly status: number
  readonly details: Detail[]

  constructor(status: number, message: string, details: Detail[] = []) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.details = details
  }
}

type Scalar = string | number | boolean | null | undefined
export type Query = Record<string, Scalar | readonly Scalar[]>

export const BASE = new URL(document.baseURI).pathname.replace(/\/$/, '')

/** Absolute path of an API route, below whatever prefix the application is served from. */
export function url(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== '') search.append(key, String(one))
    }
  }
  const tail = search.toString()
  return `${BASE}${path}${tail ? `?${tail}` : ''}`
}

export function cookie(name: string): string | null {
  const pair = document.cookie.split('; ').find((part) => part.startsWith(`${name}=`))
  return pair ? decodeURIComponent(pair.slice(name.length + 1)) : null
}

export function csrfHeaders(method: string): Record<string, string> {
  const token = method === 'GET' || method === 'HEAD' ? null : cookie('mlreef_csrf')
  return token ? { 'X-CSRF-Token': token } : {}
}

export type SessionListener = () => void
let sessionLost: SessionListener = () => undefined

/** Called whenever an answer says that the session has ended. */
export function onSessionLost(listener: SessionListener): void {
  sessionLost = listener
}

/** Sends a request with the session's credentials; whatever is no success is thrown as ApiError. */
export async function transmit(request: Request): Promise<Response> {
  for (const [name, value] of Object.entries(csrfHeaders(request.method))) request.headers.set(name, value)
  let response: Response
  try {
    response = await fetch(request)
  } catch (failure) {
    if (failure instanceof DOMException && failure.name === 'AbortError') throw failure
    throw new ApiError(0, 'The server cannot be reached. Check the connection and try again.')
  }
  if (!response.ok) {
    if (response.status === 401 && !request.url.endsWith('/-/session')) sessionLost()
    throw await errorOf(response)
  }
  return response
}

export function send(method: string, target: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  return transmit(new Request(target, { method, headers, credentials: 'same-origin', body: body === undefined ? undefined : JSON.stringify(body), signal }))
}

export async function json<T>(method: string, target: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const response = await send(method, target, body, signal)
  if (response.status === 204 || response.status === 304) return undefined as T
  const text = await response.text()
  return (text ? JSON.parse(text) : undefined) as T
}

export type Page<T> = { items: T[]; total: number | null; next: number | null }

/** A GitLab list: the rows are the body, the paging is in the headers. */
export async function page<T>(target: string, signal?: AbortSignal): Promise<Page<T>> {
  const response = await send('GET', target, undefined, signal)
  const total = response.headers.get('x-total')
  const next = response.headers.get('x-next-page')
  return { items: (await response.json()) as T[], total: total ? Number(total) : null, next: next ? Number(next) : null }
}

async function errorOf(response: Response): Promise<ApiError> {
  const fallback = FALLBACK[response.status] ?? `The server answered ${response.status}.`
  let body: unknown
  try {
    body = await response.json()
  } catch {
    return new ApiError(response.status, fallback)
  }
  return parseError(response.status, body, fallback)
}

const FALLBACK: Record<number, string> = {
  401: 'Please log in.',
  403: 'You do not have permission to do this.',
  404: 'This does not exist, or you may not see it.',
  413: 'This is larger than the server accepts.',
  429: 'Too many requests. Wait a moment and try again.',
  502: 'The server is starting or cannot be reached.',
  503: 'The server is not ready. Try again in a moment.',
}

/** Management says {error:{message,details}}; the forge says {message} or {error}, GitLab's way. */
export function parseError(status: number, body: unknown, fallback: string): ApiError {
  if (!isRecord(body)) return new ApiError(status, fallback)
  const error = body.error
  if (isRecord(error)) {
    const details = Array.isArray(error.details) ? (error.details as Detail[]) : []
    return new ApiError(status, typeof error.message === 'string' ? error.message : fallback, details)
  }
  const message = body.message
  if (isRecord(message)) {
    const details = Object.entries(message).map(([field, texts]) => ({
      field,
      message: Array.isArray(texts) ? texts.join(', ') : String(texts),
    }))
    return new ApiError(status, details.map((d) => `${d.field} ${d.message}`).join('; '), details)
  }
  if (typeof message === 'string') return new ApiError(status, message.replace(/^\d{3} /, ''))
  const described = body.error_description ?? error
  return new ApiError(status, typeof described === 'string' ? described : fallback)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
