/** The processors published from this project, every publication, and publishing. */
import { Code, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Cpu } from 'lucide-react'
import * as management from '@/api/management'
import { ProcessorCard } from '@/components/processor-card'
import { useProject } from '@/components/project-context'
import { PageHead } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { PublicationList } from './publication-list'
import { PublishButton } from './publish-dialog'

export function ProjectProcessorsPage() {
  const { level } = useProject()
  const { tab } = useSearch({ from: '/$ns/$slug/-/processors' })
  const navigate = useNavigate({ from: '/$ns/$slug/-/processors' })
  const publish = level >= 40 ? <PublishButton /> : null
  return (
    <>
      <PageHead title="Processors" note="Published from the source in this project">{publish}</PageHead>
      <Tabs value={tab ?? 'processors'} onChange={(next) => void navigate({ search: { tab: next === 'processors' ? undefined : (next ?? undefined) } })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="processors">Processors</Tabs.Tab>
          <Tabs.Tab value="publications">Publications</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="processors"><Published publish={publish} /></Tabs.Panel>
        <Tabs.Panel value="publications"><PublicationList /></Tabs.Panel>
      </Tabs>
    </>
  )
}

function Published({ publish }: { publish: React.ReactNode }) {
  const { project } = useProject()
  const query = useQuery({ queryKey: ['project-processors', project.id], queryFn: () => management.listProjectProcessors(project.id) })
  return (
    <QueryView
      query={query}
      skeleton="cards"
      isEmpty={(found) => found.length === 0}
      empty={
        <Empty title="Nothing is published yet" icon={<Cpu size={26} />} action={publish}>
          Push a Python script whose parameters are declared with <Code>argparse</Code> or similar, or a program in any language with a <Code>processor.yaml</Code>, then publish it.
        </Empty>
      }
    >
      {(found) => <div className="card-grid">{found.map((processor) => <ProcessorCard key={processor.id} processor={processor} />)}</div>}
    </QueryView>
  )
}
