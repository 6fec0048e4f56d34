/** What vouches for an image: signature, origin, contents; the signature can be checked in the browser. */
import { Stack, Text, Title } from '@mantine/core'
import { CircleCheck, CircleDashed } from 'lucide-react'
import type { ReactNode } from 'react'
import type { ProcessorVersion } from '@/api/types'
import { Id } from '@/components/small'
import { SignatureCheck } from './signature-check'

const KINDS = [
  { key: 'signature', title: 'Signature', there: 'Signed by this server after the build. Runners check it before they start the image.', missing: 'This image is not signed.' },
  { key: 'provenance', title: 'Provenance', there: 'SLSA statement: from which commit, by which job, on which base it was built.', missing: 'Nothing is recorded about how it was built.' },
  { key: 'sbom', title: 'SBOM', there: 'CycloneDX list of every package inside.', missing: 'There is no list of its contents.' },
] as const

export function Attestations({ version, commands }: { version: ProcessorVersion; commands: ReactNode }) {
  const known = version.attestations
  if (!known) return null
  return (
    <section className="panel" aria-labelledby="attestations">
      <div className="panel-head"><Title order={2} size="h5" id="attestations">Supply chain</Title></div>
      <Stack className="panel-body" gap="md">
        {KINDS.map(({ key, title, there, missing }) => {
          const digest = known[key]
          return (
            <div key={key} className="attested">
              {digest ? <CircleCheck size={18} aria-label="there" data-good /> : <CircleDashed size={18} aria-label="missing" />}
              <div className="grow">
                <Text size="sm" fw={600}>{title} {digest && <Id value={digest} />}</Text>
                <Text size="sm" c="dimmed">{digest ? there : missing}</Text>
              </div>
            </div>
          )
        })}
        {known.signature && <SignatureCheck version={version} />}
        {Object.values(known).some(Boolean) && commands}
      </Stack>
    </section>
  )
}
