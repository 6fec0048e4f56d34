/** Commands with which anybody looks at an image, and what its pins say. */
import type { ProcessorVersion } from '@/api/types'

export type Told = { title: string; command: string }

export function imageCommands(version: ProcessorVersion, place: { protocol: string; origin: string }): { look: Told[]; vouch: Told[] } {
  const plain = place.protocol === 'http:'
  const image = version.image
  const look = [
    { title: 'Pull it', command: `podman pull ${plain ? '--tls-verify=false ' : ''}${image}` },
    { title: 'Inspect it without pulling', command: `skopeo inspect ${plain ? '--tls-verify=false ' : ''}docker://${image}` },
  ]
  const vouch = [
    { title: 'See everything that refers to it', command: `oras discover ${plain ? '--plain-http ' : ''}${image}` },
    { title: 'Fetch the key of this server', command: `curl -fsS -o mlreef.pub ${place.origin}/api/v1/keys/signing` },
    { title: 'Check the signature with cosign', command: `cosign verify --key mlreef.pub --insecure-ignore-tlog ${plain ? '--allow-http-registry ' : ''}${image}` },
  ]
  return { look, vouch }
}

/** `numpy==2.1.0` as its two halves; anything else is a name. */
export function splitPin(pin: string): { name: string; number: string } {
  const [name = pin, number = ''] = pin.split('==')
  return { name, number }
}
