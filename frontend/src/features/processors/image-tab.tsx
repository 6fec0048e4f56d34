/** The image of a version: digest, what vouches for it, commands to look at it oneself, what is inside. */
import { Grid, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { FileSearch } from 'lucide-react'
import { useState } from 'react'
import type { Processor, ProcessorVersion } from '@/api/types'
import { Command } from '@/components/command'
import { LinkAnchor } from '@/components/links'
import { Copyable, Fact, Id } from '@/components/small'
import { formatBytes, formatCommand, plural } from '@/lib/format'
import { Attestations } from './attestations'
import { imageCommands, splitPin } from './image'

type Props = { processor: Processor; version: ProcessorVersion }

export function ImageTab({ version }: Props) {
  const { look, vouch } = imageCommands(version, window.location)
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 7 }}>
        <Stack>
          <section className="panel" aria-labelledby="image">
            <div className="panel-head"><Title order={2} size="h5" id="image">Image</Title></div>
            <div className="panel-body">
              <dl className="facts">
                <Fact name="Digest"><Id value={version.digest} length={16} /></Fact>
                {version.size ? <Fact name="Size">{formatBytes(version.size)}</Fact> : null}
                <Fact name="Environment"><LinkAnchor to="/environments" hash={version.environment}>{version.environment}</LinkAnchor></Fact>
                {version.base_image && <Fact name="Built on"><Id value={version.base_image.split('@').at(-1)} length={16} /></Fact>}
              </dl>
              {version.command && (
                <>
                  <Text size="xs" c="dimmed" mt="sm">What runs inside</Text>
                  <code className="wrap-anywhere">{formatCommand(version.command)}</code>
                </>
              )}
            </div>
          </section>
          <section className="panel" aria-labelledby="look">
            <div className="panel-head"><Title order={2} size="h5" id="look">Look at it yourself</Title></div>
            <Stack className="panel-body" gap="sm">{look.map((entry) => <Told key={entry.title} {...entry} />)}</Stack>
          </section>
          <Packages version={version} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 5 }}>
        <Attestations version={version} commands={vouch.map((entry) => <Told key={entry.title} {...entry} />)} />
      </Grid.Col>
    </Grid>
  )
}

function Told({ title, command }: { title: string; command: string }) {
  return <div><Text size="sm" mb={4}>{title}</Text><Command label={title}>{command}</Command></div>
}

const SHOWN = 200

function Packages({ version }: { version: ProcessorVersion }) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const found = version.packages.filter((name) => name.toLowerCase().includes(wanted))
  return (
    <section className="panel" aria-labelledby="packages">
      <div className="panel-head">
        <Title order={2} size="h5" id="packages" className="grow">Packages <Text span size="sm" c="dimmed">{version.packages.length}</Text></Title>
        {version.lock && <><Text size="sm" c="dimmed">locked with hashes</Text><Copyable value={version.lock} label="Copy the lock" /></>}
        {version.packages.length > 8 && (
          <TextInput size="xs" w={180} aria-label="Search packages" placeholder="Search packages" leftSection={<FileSearch size={13} />} value={text} onChange={(event) => setText(event.currentTarget.value)} />
        )}
      </div>
      {version.packages.length === 0
        ? <Text size="sm" c="dimmed" p="md">Nothing but what the environment holds.</Text>
        : (
          <div style={{ maxHeight: 320, overflowY: 'auto' }}>
            <Table>
              <Table.Tbody>
                {found.slice(0, SHOWN).map((pin) => {
                  const { name, number } = splitPin(pin)
                  return <Table.Tr key={pin}><Table.Td><code>{name}</code></Table.Td><Table.Td className="num">{number}</Table.Td></Table.Tr>
                })}
              </Table.Tbody>
            </Table>
            {found.length === 0 && <Text size="sm" c="dimmed" p="md">No package is called like this.</Text>}
            {found.length > SHOWN && <Text size="sm" c="dimmed" p="sm">{plural(found.length - SHOWN, 'more package')}; search to find them.</Text>}
          </div>
        )}
    </section>
  )
}
