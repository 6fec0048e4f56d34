/** Where an experiment came from: code, image, data; enough to make it again. */
import { Text } from '@mantine/core'
import type { Experiment } from '@/api/types'
import { LinkAnchor } from '@/components/links'
import { useProject } from '@/components/project-context'
import { Fact, Id } from '@/components/small'
import { formatBytes, plural } from '@/lib/format'

export function Lineage({ experiment }: { experiment: Experiment }) {
  const { params } = useProject()
  const { code, data, processor } = experiment
  return (
    <section className="panel" aria-label="Lineage">
      <div className="panel-head"><Text fw={600} size="sm">Lineage</Text></div>
      <dl className="facts panel-body">
        <Fact name="Processor"><LinkAnchor size="sm" to="/marketplace/$processorId" params={{ processorId: processor.slug }} search={{ version: processor.version }}>{processor.slug}@{processor.version}</LinkAnchor></Fact>
        <Fact name="Code commit"><Id value={code?.commit} /></Fact>
        <Fact name="Image digest"><Id value={code?.image.split('@').at(-1)} /></Fact>
        <Fact name="Data">
          {data?.commit
            ? <><LinkAnchor size="sm" to="/$ns/$slug/-/tree/$ref/$" params={{ ...params, ref: data.commit, _splat: data.path ?? '' }}>/{data.path ?? ''}</LinkAnchor> at <Id value={data.commit} /></>
            : data?.step ? <>output {data.output} of step {data.step}</> : '–'}
        </Fact>
        <Fact name="Model">{experiment.model ? <>{plural(experiment.model.files, 'file')}, {formatBytes(experiment.model.bytes)}<br /><Id value={experiment.model.digest} /></> : '–'}</Fact>
      </dl>
    </section>
  )
}
