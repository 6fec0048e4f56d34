/** The images that processors are built on: what is inside, where it comes from, who uses it. */
import { Button, Group, Text, TextInput, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useLocation } from '@tanstack/react-router'
import { Boxes, Plus, Search } from 'lucide-react'
import { useEffect, useState } from 'react'
import { environmentsQuery, processorsQuery } from '@/api/queries/processors'
import { useSession } from '@/api/queries/session'
import type { Environment } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { Copyable, Fact, Id, PageHead, TimeAgo } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { Chip } from '@/components/status-badge'
import { plural } from '@/lib/format'
import { RegisterDialog, RemoveButton } from './register-dialog'

export function EnvironmentsPage() {
  const query = useQuery(environmentsQuery)
  const session = useSession()
  const admin = session.data?.is_admin === true
  const [editing, setEditing] = useState<Environment | 'new' | null>(null)
  const [text, setText] = useState('')
  const hash = useLocation({ select: (location) => location.hash })
  const wanted = text.trim().toLowerCase()
  const fits = (one: Environment) => `${one.name} ${one.title} ${one.framework} ${(one.packages ?? []).join(' ')}`.toLowerCase().includes(wanted)
  const add = admin ? <Button leftSection={<Plus size={16} />} onClick={() => setEditing('new')}>Register an image</Button> : undefined
  useEffect(() => {
    if (hash && query.data) document.getElementById(hash)?.scrollIntoView({ block: 'start' })
  }, [hash, query.data])
  return (
    <>
      <PageHead title="Environments" note="Images that processors are built on. A version keeps the very image it was built on.">{add}</PageHead>
      <QueryView
        query={query}
        isEmpty={(found) => found.length === 0}
        empty={<Empty title="No environments yet" icon={<Boxes size={26} />} action={add}>An administrator builds the first one on the server: <code>mlreef environment build python-3.11</code></Empty>}
      >
        {(found) => (
          <>
            {found.length > 3 && <TextInput mb="md" maw={380} aria-label="Search environments and packages" placeholder="Search names and packages" leftSection={<Search size={16} />} value={text} onChange={(event) => setText(event.currentTarget.value)} />}
            <div className="stack">{found.filter(fits).map((one) => <Card key={one.name} of={one} found={wanted} onEdit={admin ? () => setEditing(one) : undefined} />)}</div>
            {!found.some(fits) && <Empty title="No environment fits">Try another word.</Empty>}
          </>
        )}
      </QueryView>
      {editing && <RegisterDialog of={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
    </>
  )
}

function Card({ of, found, onEdit }: { of: Environment; found: string; onEdit?: () => void }) {
  const users = useQuery(processorsQuery({ environment: [of.name], sort: 'usage', per_page: 3 }))
  const packages = of.packages ?? []
  const hits = found ? packages.filter((pin) => pin.toLowerCase().includes(found)) : []
  return (
    <section className="panel" id={of.name} aria-labelledby={`title-${of.name}`}>
      <div className="panel-head">
        <Title order={2} size="h5" id={`title-${of.name}`}>{of.title || of.name}</Title>
        <code className="id">{of.name}</code>
        {of.flavour && <Chip tone={of.flavour === 'gpu' ? 'wait' : 'idle'}>{of.flavour.toUpperCase()}</Chip>}
        {of.framework && <Chip tone="accent">{of.framework}</Chip>}
        {of.selectable === false && <Chip tone="wait">no image yet</Chip>}
        <span className="grow" />
        {onEdit && <Group gap={6}><Button variant="default" size="compact-sm" onClick={onEdit}>Change image</Button>{of.image && <RemoveButton name={of.name} />}</Group>}
      </div>
      <div className="panel-body">
        {of.description && <Text size="sm" mb="sm">{of.description}</Text>}
        <dl className="facts">
          {of.digest && <Fact name="Image"><Id value={of.digest} /></Fact>}
          {of.image && <Fact name="Reference"><span className="reference"><code className="cut" title={of.image}>{of.image}</code><Copyable value={of.image} label="Copy the reference" /></span></Fact>}
          {of.image && <Fact name="Comes from">{sourceOf(of)}</Fact>}
          {of.registered_by && <Fact name="Registered by">{of.registered_by}</Fact>}
          {of.updated_at && of.image && <Fact name="Updated"><TimeAgo at={of.updated_at} /></Fact>}
        </dl>
        {hits.length > 0 && <Group gap={6} mt="sm">{hits.slice(0, 12).map((pin) => <code className="id" key={pin}>{pin}</code>)}</Group>}
        {packages.length > 0 && (
          <details style={{ marginTop: 12 }}>
            <summary>{plural(packages.length, 'package')}</summary>
            <Group gap={6} mt="xs">{packages.map((pin) => <code className="id" key={pin}>{pin}</code>)}</Group>
          </details>
        )}
        {users.data && users.data.total > 0 && (
          <Text size="sm" mt="sm">
            Used by {users.data.items.map((one, index) => <span key={one.id}>{index > 0 ? ', ' : ''}<LinkAnchor to="/marketplace/$processorId" params={{ processorId: one.id }}>{one.title || one.name}</LinkAnchor></span>)}
            {users.data.total > users.data.items.length && <> and <LinkAnchor to="/marketplace" search={{ environment: [of.name] }}>{plural(users.data.total - users.data.items.length, 'other')}</LinkAnchor></>}
          </Text>
        )}
      </div>
    </section>
  )
}

const SOURCES: Record<string, string> = { 'built-in': 'Debian packages', definition: 'a definition of its own', containerfile: 'a Containerfile', image: 'an image from elsewhere' }

function sourceOf(of: Environment): string {
  const source = of.source ?? {}
  const kind = typeof source.kind === 'string' ? (SOURCES[source.kind] ?? source.kind) : null
  const from = typeof source.from === 'string' && source.from ? source.from.split('@')[0] : null
  return kind ? [kind, from && `on ${from}`].filter(Boolean).join(' ') : of.image ? 'an image' : '–'
}
