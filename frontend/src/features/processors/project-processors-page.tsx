/** The processors published from this project, and publishing. */
import { Code } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Cpu } from 'lucide-react'
import * as management from '@/api/management'
import { useProject } from '@/components/project-context'
import { PageHead } from '@/components/small'
import { Empty, QueryView } from '@/components/states'
import { ProcessorCard } from './processor-card'
import { PublishButton } from './publish-dialog'

export function ProjectProcessorsPage() {
  const { project, level } = useProject()
  const query = useQuery({ queryKey: ['project-processors', project.id], queryFn: () => management.listProjectProcessors(project.id) })
  const publish = level >= 40 ? <PublishButton /> : null
  return (
    <>
      <PageHead title="Processors" note="Published from the source in this project">{publish}</PageHead>
      <QueryView
        query={query}
        skeleton="cards"
        isEmpty={(found) => found.length === 0}
        empty={
          <Empty title="Nothing is published yet" icon={<Cpu size={26} />} action={publish}>
            Push a Python script whose parameters are declared with <Code>argparse</Code>, then publish it.
          </Empty>
        }
      >
        {(found) => <div className="card-grid">{found.map((processor) => <ProcessorCard key={processor.id} processor={processor} />)}</div>}
      </QueryView>
    </>
  )
}
