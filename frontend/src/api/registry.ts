/** Reading from the image registry with the session's rights: a token for one repository, manifests, blobs. */
import { send, transmit, url } from './http'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** `host/group/project/name@sha256:…` without its host and digest. */
export function repositoryOf(image: string): string {
  return image.replace(/@.*$/, '').split('/').slice(1).join('/')
}

async function token(repository: string): Promise<string> {
  const challenge = await fetch(url('/v2/'), { credentials: 'omit' })
  const service = /service="([^"]+)"/.exec(challenge.headers.get('www-authenticate') ?? '')?.[1]
  const answer = await send('GET', url('/jwt/auth', { service, scope: `repository:${repository}:pull` }))
  return ((await answer.json()) as { token: string }).token
}

function read(target: string, pass: string, accept: string): Promise<Response> {
  return transmit(new Request(target, { headers: { Accept: accept, Authorization: `Bearer ${pass}` }, credentials: 'omit' }))
}

/** A manifest of an image's repository, and a way to the blobs it names. */
export async function openManifest<T>(image: string, digest: string): Promise<{ manifest: T; blob: (digest: string) => Promise<Uint8Array<ArrayBuffer>> }> {
  const repository = repositoryOf(image)
  const pass = await token(repository)
  const manifest = await read(url(`/v2/${repository}/manifests/${digest}`), pass, MANIFEST)
  return {
    manifest: (await manifest.json()) as T,
    blob: async (name) => new Uint8Array(await (await read(url(`/v2/${repository}/blobs/${name}`), pass, '*/*')).arrayBuffer()),
  }
}

export const readSigningKeys = async (): Promise<string> => (await send('GET', url('/api/v1/keys/signing'))).text()
