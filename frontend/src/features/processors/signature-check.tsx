/** Checks the signature here and now, step by step, with the server's public key. */
import { Alert, Button, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { CircleCheck, CircleX, ShieldCheck } from 'lucide-react'
import { openManifest, readSigningKeys } from '@/api/registry'
import type { ProcessorVersion } from '@/api/types'
import { FormError } from '@/components/states'
import { checkSignature, fromBase64, type SignatureManifest } from '@/lib/signatures'

async function check(version: ProcessorVersion) {
  const { manifest, blob } = await openManifest<SignatureManifest>(version.image, version.attestations?.signature ?? '')
  const layer = manifest.layers[0]
  if (!layer) throw new Error('The signature is empty.')
  const payload = layer.data ? fromBase64(layer.data) : await blob(layer.digest)
  return checkSignature(version.image, manifest, payload, await readSigningKeys())
}

export function SignatureCheck({ version }: { version: ProcessorVersion }) {
  const run = useMutation({ mutationFn: () => check(version) })
  if (!window.isSecureContext) return <Text size="xs" c="dimmed">Browsers check signatures only over HTTPS; use the commands below.</Text>
  const good = run.data?.every((one) => one.ok) ?? false
  return (
    <div>
      {!run.data && <Button variant="default" size="xs" leftSection={<ShieldCheck size={15} />} loading={run.isPending} onClick={() => run.mutate()}>Check the signature now</Button>}
      <FormError error={run.error} />
      {run.data && (
        <output style={{ display: 'block' }}><Alert color={good ? 'green' : 'red'} title={good ? 'The signature is good' : 'The signature is not good'}>
          <ul className="checks">
            {run.data.map((one) => (
              <li key={one.text}>{one.ok ? <CircleCheck size={15} aria-label="yes" /> : <CircleX size={15} aria-label="no" />}{one.text}</li>
            ))}
          </ul>
        </Alert></output>
      )}
    </div>
  )
}
