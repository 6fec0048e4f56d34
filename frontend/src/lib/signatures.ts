/** Checking an image's signature (cosign's simple signing) with public keys, by the browser's own cryptography. */

export type SignatureManifest = {
  subject?: { digest: string }
  layers: { digest: string; data?: string; annotations?: Record<string, string> }[]
}
export type Check = { text: string; ok: boolean }

const ANNOTATION = 'dev.cosignproject.cosign/signature'

/** Every single check in the order of its making; the image is signed when all are good. */
export async function checkSignature(image: string, manifest: SignatureManifest, payload: Uint8Array<ArrayBuffer>, pems: string): Promise<Check[]> {
  const [repository = '', digest = ''] = image.split('@')
  const layer = manifest.layers[0]
  const told = readPayload(payload)
  const valid = await anyKeyVerifies(readKeys(pems), payload, fromBase64(layer?.annotations?.[ANNOTATION] ?? ''))
  return [
    { text: 'The signature refers to this image', ok: manifest.subject?.digest === digest },
    { text: 'What is signed is unchanged', ok: layer !== undefined && layer.digest === `sha256:${await sha256(payload)}` },
    { text: 'It names this image’s digest', ok: told.digest === digest && digest !== '' },
    { text: `It names this repository`, ok: told.repository === repository && repository !== '' },
    { text: 'It was made with this server’s key', ok: valid },
  ]
}

function readPayload(payload: Uint8Array): { digest?: string; repository?: string } {
  try {
    const { critical } = JSON.parse(new TextDecoder().decode(payload)) as { critical: { image: Record<string, string>; identity: Record<string, string> } }
    return { digest: critical.image['docker-manifest-digest'], repository: critical.identity['docker-reference'] }
  } catch {
    return {}
  }
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replace(/\s+/g, ''))
  return Uint8Array.from(binary, (char) => char.charCodeAt(0))
}

export function readKeys(pems: string): Uint8Array<ArrayBuffer>[] {
  return [...pems.matchAll(/-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/g)].map((match) => fromBase64(match[1] ?? ''))
}

async function anyKeyVerifies(keys: Uint8Array<ArrayBuffer>[], payload: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean> {
  for (const key of keys) {
    if ((await verifyEcdsa(key, payload, signature)) || (await verifyEd25519(key, payload, signature))) return true
  }
  return false
}

async function verifyEcdsa(key: Uint8Array<ArrayBuffer>, payload: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const raw = derToRaw(signature)
  if (!raw) return false
  try {
    const imported = await crypto.subtle.importKey('spki', key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify'])
    return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, imported, raw, payload)
  } catch {
    return false
  }
}

async function verifyEd25519(key: Uint8Array<ArrayBuffer>, payload: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean> {
  if (signature.length !== 64) return false
  try {
    const imported = await crypto.subtle.importKey('spki', key, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', imported, signature, payload)
  } catch {
    return false
  }
}

const HALF = 32

/** An ECDSA signature as OpenSSL writes it (DER), in the form that browsers want: r and s, 32 bytes each. */
export function derToRaw(der: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null
  const raw = new Uint8Array(2 * HALF)
  let at = 2
  for (const half of [0, 1]) {
    const length = der[at + 1] ?? 0
    if (der[at] !== 0x02 || length === 0 || at + 2 + length > der.length) return null
    let number = der.subarray(at + 2, at + 2 + length)
    while (number.length > HALF && number[0] === 0) number = number.subarray(1)
    if (number.length > HALF) return null
    raw.set(number, (half + 1) * HALF - number.length)
    at += 2 + length
  }
  return at === der.length ? raw : null
}
